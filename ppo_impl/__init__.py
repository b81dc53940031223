"""PPO in PyTorch and numpy, training many seeds side by side in one process.

Read `ppo.py` first: it is the algorithm. docs/ppo.md walks through it, `python -m ppo_impl --help` lists the settings.

    ppo.py            the algorithm: collect, advantage, loss, update
    networks.py       actor and critic, one row of parameters per seed
    distributions.py  what the actor's outputs mean: choices, or normal distributions
    kernel.py         the networks in numpy, as one step of autograd
    optimizer.py      Adam, seed by seed
    environments/     the environments of all seeds, counted and scaled
    config.py         every setting, and the command line made from them
    track.py          one Weights & Biases run per seed
    checkpoint.py     the state of a training in one file
    progress.py       the lines on the terminal
    clock.py, profile.py   where the time goes
    machine.py        threads and memory
    __main__.py       the command: joins the above, turns signals and failures into exit codes
    evaluate.py       the other command: plays with what was learned

Array names carry their axes: `rewards_STN` is seeds x steps x environments.

    S seeds    T steps of a segment     N environments of a seed    O numbers of an observation
    C components of an action           P outputs of the actor; parameters of a seed, in a row
    A choices of one component          B samples of a batch        I, J inputs and outputs of a layer
    X any leading axes
"""
