# The verbs of the project. `make demo` and `make test` need nothing done by hand before them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := $(VENV)-bench/.ready

# What a user's shell exports must not decide which code runs.
unexport PYTHONPATH PYTHONHOME PYTHONWARNINGS PYTHONSAFEPATH PYTHONSTARTUP
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help demo pull-requests report-speed screenshots launch-cost bisect-demo bisect-study bench steps peers reference calibration real-data estimates pull wandb-reader judge-speed site-speed study details results test lint types check constraints clean

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "rlops needs Python 3.11 or newer; '$(PYTHON)' is older. Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[ppo,mujoco,parquet,dev]'
	@touch $(READY)

$(BENCH): $(READY) benchmarks/speed/requirements.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet -r benchmarks/speed/requirements.txt
	$(VENV)-bench/bin/python -m pip install --quiet -c constraints.txt -e '.[ppo]'
	@touch $(BENCH)

demo: $(READY) ## train a small grid, compare it with the stored baseline, then do it again with a bug planted
	$(BIN)/python -I benchmarks/demo.py

pull-requests: $(READY) ## what four pull requests cost, look by look and with a fixed number of seeds (10 minutes)
	$(BIN)/python -I benchmarks/pull_requests.py

bisect-demo: $(READY) ## `rlops bisect` finds a planted bug among twelve commits to our own PPO (3 minutes)
	$(BIN)/python -I benchmarks/bisect_real.py

bisect-study: $(READY) ## how often `rlops bisect` is right and after how many runs, simulated (15 minutes on two cores)
	PYTHONPATH=. $(BIN)/python benchmarks/bisect_simulation.py

bench: $(BENCH) ## how fast the trainer is beside a plain loop and stable-baselines3 (15 minutes)
	$(VENV)-bench/bin/python benchmarks/speed/bench.py
	PYTHONPATH=. $(VENV)-bench/bin/python benchmarks/report_speed.py

steps: $(READY) ## what each step from the plain loop to this trainer gained (5 minutes)
	$(BIN)/python benchmarks/speed/steps.py

peers: $(BENCH) ## does it learn as well as stable-baselines3? The gate says (20 minutes)
	$(VENV)-bench/bin/python benchmarks/speed/peers.py

reference: $(READY) ## what it reaches on the tasks that others have published (15 minutes)
	for task in CartPole-v1 Acrobot-v1 Pendulum-v1 HalfCheetah-v4; do $(BIN)/python -W ignore benchmarks/reference.py $$task; done

calibration: $(READY) ## the error rates of the gate on simulated curves (1.5 hours on two cores)
	$(BIN)/python -m benchmarks.calibration.run

real-data: $(READY) ## what it says of other people's curves: five changes, twenty A/A splits (needs RLOPS_REAL_DATA)
	$(BIN)/python benchmarks/real_data.py

estimates: $(READY) ## intervals for reports: as fast and the same as rliable's? (2 minutes and a venv of its own)
	$(BIN)/python benchmarks/estimates.py

pull: $(READY) ## what pulling a W&B project costs, against the tests' stand-in for its server (5 minutes)
	$(BIN)/python benchmarks/pull.py

wandb-reader: $(READY) ## how fast local .wandb files are read, beside the client's own reader (3 minutes)
	PYTHONPATH=. $(BIN)/python benchmarks/speed/wandb_reader.py

report-speed: $(BENCH) ## how large and how quick reports are, beside plotly (2 minutes; needs chromium)
	PYTHONPATH=. $(VENV)-bench/bin/python benchmarks/report_speed.py

screenshots: demo ## the pictures of README (3 minutes; needs chromium)
	$(BIN)/python benchmarks/screenshots.py

launch-cost: $(READY) ## what launching costs beside the training: 2,000 tiny cells (5 minutes)
	$(BIN)/python benchmarks/launch_cost.py

judge-speed: $(READY) ## how long the judge takes (20 seconds)
	$(BIN)/python benchmarks/judge_speed.py

site-speed: $(READY) ## how long the site of a thousand verdicts takes, and its size (2 minutes)
	$(BIN)/python benchmarks/site_speed.py

study: $(READY) ## can the gate find real bugs? 37 mutants on two benchmarks (four to five hours on two cores; goes on after an interruption)
	$(BIN)/python -m benchmarks.study.run

details: $(READY) ## break every detail of PPO, one at a time, and see which test notices (4 minutes)
	$(BIN)/python benchmarks/break_details.py

results: $(READY) ## the page of what our own trainer achieves, docs/results.md, from what is in baselines/ (seconds)
	$(BIN)/rlops report quick quick-default-clip quick-default-lr \
	  --label quick --label "gradient norm 0.5" --label "learning rate 2.5e-4" \
	  --figures docs/results --output docs/results.md

test: $(READY) ## every test
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

lint: $(READY) ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## mypy, strict
	$(BIN)/mypy

check: lint types test ## all of it

constraints: ## renew constraints.txt from the ranges in pyproject.toml
	$(PYTHON) -m venv $(VENV)-constraints
	$(VENV)-constraints/bin/python -m pip install --quiet -e '.[ppo,mujoco,parquet,dev]'
	{ head -n 1 constraints.txt; $(VENV)-constraints/bin/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | sort -f; } > constraints.new
	mv constraints.new constraints.txt
	rm -r $(VENV)-constraints

clean: ## remove what was installed and trained
	rm -rf $(VENV) $(VENV)-bench $(VENV)-rliable .rlops
