"""MXNet's operators, one module for each family. A new module is found by itself; see ``registry``."""
