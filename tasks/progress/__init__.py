"""How far a run is: a model of it, its picture on a terminal, its words, and what doit tells of it."""
