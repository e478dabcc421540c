# `make help` explains every target. Nothing here needs more than Python 3.11 and make.

# Asked only where `.venv` has to be made. `python3.11` alone where it isn't on PATH, for the message that says so.
PYTHON   ?= $(shell python3.11 .ci/quickest_python.py 2>/dev/null || echo python3.11)
HOST     ?= 127.0.0.1
PORT     ?= 8000
DATA_DIR ?= data

# Compiled modules are kept beside their sources: without them each process compiles the whole house anew.
unexport PYTHONDONTWRITEBYTECODE

BIN     := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV     := .venv/.dev-installed
PIP     := $(BIN)/python -m pip --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
LOOKING := chromium libreoffice-calc libreoffice-writer poppler-utils fonts-noto-cjk

.PHONY: help install run test test-broad browsers lint format types contracts openapi openapi-check contract-lint contract-breaking contract-changelog release-contract clients docs check bench lock clean

help: ## 列出全部目标 / Explain every target
	@echo "make <target> [PORT=$(PORT)] [HOST=$(HOST)] [DATA_DIR=$(DATA_DIR)] [PYTHON=python3.11]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(BIN)/python:
	@python="$(PYTHON)"; \
	"$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "需要 Python 3.11 / Python 3.11 is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	echo "建立 .venv，用 $$python / Making .venv with $$python"; \
	"$$python" -m venv .venv

$(RUNTIME): requirements/runtime.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "安装依赖，约需一两分钟 / Installing what it needs, a minute or two"
	@$(PIP) install --quiet --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUNTIME) requirements/dev.txt
	@echo "安装开发工具 / Installing the tools of development"
	@$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

install: $(DEV) ## 建立 .venv 并按锁定的版本和哈希安装 / Create .venv, install what the locks name (by hash)

run: $(RUNTIME) ## 启动演示县：内嵌数据库、接口、后台任务 / Serve a demonstration county on PORT, data in DATA_DIR
	@exec $(BIN)/toilet-api serve --demo --host "$(HOST)" --port "$(PORT)" --data-dir "$(DATA_DIR)"

test: $(DEV) ## 运行全部测试（两个进程） / Run the whole suite in two processes
	@$(BIN)/python -m pytest -n 2 -q $(ARGS)

test-broad: $(DEV) ## 能多试的测试，按 CI 的数量再跑 / Those tests that can try more, with as much as CI tries
	@TESTS=broad $(BIN)/python -m pytest -n 2 -q -m broad $(ARGS)

browsers: ## 安装测试用的浏览器和办公软件（能装则装） / Install what looks at pages and documents, where it is allowed
	@if command -v chromium >/dev/null && command -v soffice >/dev/null && command -v pdftotext >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && timeout 300 sh -c "apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(LOOKING)" >/dev/null 2>&1; then :; \
	else echo "未装浏览器或办公软件，相应测试将跳过 / No browser or office suite: their tests are skipped"; fi

lint: $(DEV) ## 代码检查与格式核对 / ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(DEV) ## 自动整理代码格式 / Rewrite the code in the house format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(DEV) ## 类型检查（严格） / mypy, strict
	@$(BIN)/mypy

contracts: $(DEV) ## 核对各房间的依赖方向 / import-linter: the floors of the house
	@NO_COLOR=1 $(BIN)/lint-imports --no-logo

openapi: $(DEV) ## 重写 openapi/openapi.json / Rewrite the committed document of the interface
	@$(BIN)/toilet-api openapi --output openapi/openapi.json

openapi-check: $(DEV) ## 核对 openapi.json 是否最新 / Fail where the committed document is stale
	@$(BIN)/toilet-api openapi --check openapi/openapi.json

contract-lint: $(DEV) ## 以严格规则检查接口文档 / Redocly's strict rules over the document
	@$(BIN)/python -m clients lint

contract-breaking: $(DEV) ## 与已发布的 v1 比较，有破坏性改动即失败 / Fail where something breaks a client of the released v1
	@$(BIN)/python -m toilet_api.promise check openapi/v1.json openapi/openapi.json

contract-changelog: $(DEV) ## 写出自发布以来的接口改动 / Write what is new in the interface into openapi/CHANGELOG.md
	@$(BIN)/python -m toilet_api.promise changelog openapi/v1.json openapi/openapi.json openapi/CHANGELOG.md

release-contract: $(DEV) ## 把现在的文档定为 v1 基线 / Make the document of now the baseline that is promised
	@$(BIN)/python -m toilet_api.promise release openapi/v1.json openapi/openapi.json openapi/CHANGELOG.md

clients: $(DEV) ## 生成三种语言的客户端，对真实服务跑一遍 / Generate clients, and have each do the main job
	@$(BIN)/python -m clients $(ARGS)

docs: $(DEV) ## 重写由代码生成的文档页 / Rewrite the pages of docs/ that come from the code's own tables
	@$(BIN)/python -m toilet_api.accounts.roles_document > docs/roles.md
	@$(BIN)/python -m toilet_api.handbook.machines_document > docs/state-machines.md

check: lint types contracts openapi-check contract-breaking contract-lint test-broad test clients ## 提交前的全部检查 / Everything that CI checks

bench: $(DEV) ## 运行 benchmarks/ 下的测量 / Run the measurements in benchmarks/
	@$(BIN)/python -m benchmarks $(ARGS)

lock: ## 重新生成依赖锁文件（需要 uv） / Make the lock files anew from pyproject.toml (needs uv)
	@set -e; lock="uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --quiet"; \
	uv pip compile --group build --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements/build.txt; \
	uv pip compile --group clients --universal --python-version 3.11 --generate-hashes --no-header --quiet -o requirements/clients.txt; \
	$$lock -o requirements/runtime.txt; \
	$$lock --group dev --group build -o requirements/dev.txt

clean: ## 删除环境与缓存，保留 DATA_DIR / Remove the environment and caches; DATA_DIR stays
	rm -rf .venv build src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +
