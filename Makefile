.DEFAULT_GOAL := help
.PHONY: help setup engine images demo nginx test check table zoo bench clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

setup: ## make .venv with the locked Python packages
	@sh setup/environment.sh

engine: setup ## find a container engine; install and start one where there is none
	@.venv/bin/python -m tasks.setup

images: engine ## build every toolchain's image
	@.venv/bin/doit image

demo: engine ## convert MTCNN ONet from MXNet to Caffe and show the verdict
	.venv/bin/doit convert:mtcnn-onet-caffe

nginx: ## have nginx, which the tests of the shared cache start on loopback
	@sh setup/nginx.sh

test: nginx images ## run all tests, those in containers too
	.venv/bin/python -m pytest -n 2 --dist worksteal -m "not container"
	.venv/bin/python -m pytest -m container

check: setup nginx ## what needs no container engine: style, types, tests
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy
	.venv/bin/python -m pytest -q -n 2 --dist worksteal -m "not container and not slow"

table: images ## the classic models to every target with seeded weights, the report, the README's table
	.venv/bin/doit table weights=seeded; code=$$?; .venv/bin/doit report weights=seeded || exit 1; \
	.venv/bin/python -m tests.table; exit $$code

zoo: images ## measure every network of Gluon's model zoos; writes docs/gluon-zoo.md
	.venv/bin/python -m tests.zoo

bench: engine ## measure reading a network against MMdnn and MXNet's exporter; print the tables
	@.venv/bin/python -m bench

clean: ## remove build/, .venv and tool caches; results stay in the user's cache folder
	rm -rf build .venv .doit.db* .hypothesis .mypy_cache .pytest_cache .ruff_cache
