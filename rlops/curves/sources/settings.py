"""What the files beside a log say of how the run was trained. Nothing in them is executed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from rlops.errors import UsageError

NAMES = ("args.yml", "config.yml", "params.json")
"""SB3 zoo's command line and hyperparameters, RLlib's config; where two say the same key, the later one counts."""


def settings_files(folder: Path) -> Sequence[Path]:
    """Those in the folder of a run; SB3 zoo has them in a folder below it, named after the environment."""
    below = sorted(path.parent for path in folder.glob("*/args.yml"))
    folders = [*below[:1], folder] if len(below) == 1 else [folder]
    return [place / name for name in NAMES for place in folders if (place / name).is_file()]


def all_settings(files: Iterable[Path], logged: Mapping[str, object]) -> dict[str, object]:
    """What the files say and, before them, the log itself. `env` is also there as `env_id`, which rlops asks for."""
    settings: dict[str, object] = {}
    for file in files:
        settings |= _read(file)
    settings |= {key: plain(value) for key, value in logged.items() if value is not None}
    env = settings.get("env")
    return {"env_id": env, **settings} if isinstance(env, str) else settings


def _read(file: Path) -> dict[str, object]:
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text) if file.suffix == ".json" else plain(_PlainLoader(text).get_single_data())
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(f"{file}: cannot be read ({error}); mend it or move it away") from None
    if not isinstance(content, dict):
        raise UsageError(f"{file}: holds no settings by name; mend it or move it away")
    return content


def plain(value: object) -> object:
    """The value as JSON knows it; what JSON has not (a date) is text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


class _PlainLoader(yaml.SafeLoader):
    """YAML without its tags: what is marked as a Python object is the list, mapping or text that it is written as."""


def _untagged(loader: _PlainLoader, _tag: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return str(node.value)


def _ordered(loader: _PlainLoader, node: yaml.SequenceNode) -> object:
    """The arguments of OrderedDict: none, or one list of pairs."""
    arguments = loader.construct_sequence(node, deep=True)
    return dict(*arguments)


_PlainLoader.add_constructor("tag:yaml.org,2002:python/object/apply:collections.OrderedDict", _ordered)
_PlainLoader.add_multi_constructor("", _untagged)
