"""What rlops asks of git, against repositories in every state, and that it leaves all of it as it was."""

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlops.errors import ExitCode, UsageError
from rlops.plan import Repository
from tests.cli.commands import CommandLine
from tests.versions.repositories import Repo, make_repository

CHECKOUT = Path(__file__).resolve().parents[2]
HOOKS = (
    "applypatch-msg", "pre-commit", "commit-msg", "post-commit", "pre-merge-commit", "prepare-commit-msg",
    "post-checkout", "post-merge", "post-rewrite", "pre-auto-gc", "reference-transaction", "pre-rebase",
)  # fmt: skip
EVERY_FILE = "every file"


@pytest.fixture(autouse=True)
def _no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Two commits; code/ and README.md are tracked, *.log is ignored."""
    made = make_repository(tmp_path / "repository")
    made.commit("one", **{"code/a.py": "a = 1\n", "README.md": "hi\n"})
    made.commit("two", **{"code/b.py": "b = 1\n", ".gitignore": "*.log\n.rlops/\n"})
    return made


def at(repo: Repo, folder: str = "") -> Repository:
    return Repository.around((repo.root / folder).resolve())


def contents(repo: Repo, commit: str) -> dict[bytes, bytes]:
    """Name -> content of every file of a commit."""

    def git(*arguments: str | bytes) -> bytes:
        return subprocess.check_output(["git", *arguments], cwd=repo.root, env={"PATH": os.environ["PATH"]})

    names = git("ls-tree", "-r", "-z", "--name-only", commit).split(b"\0")
    return {name: git("cat-file", "blob", commit.encode() + b":" + name) for name in names if name}


def files_below(folder: Path) -> dict[str, bytes | str]:
    """Every file and link below a folder, but git's and ours."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in folder.rglob("*")
        if (path.is_file() or path.is_symlink()) and not {".git", ".rlops"} & set(path.relative_to(folder).parts)
    }


def users_own(repo: Repo) -> dict[str, object]:
    """All that is the user's: files, index, branches, stash, configuration, what git status says."""
    git = repo.root / ".git"
    index = (git / "index").read_bytes()  # first: git status may refresh it
    return {
        "index": index,
        "files": files_below(repo.root),
        "HEAD": (git / "HEAD").read_text(),
        "refs": repo.git("for-each-ref"),
        "stash": repo.git("stash", "list"),
        "config": (git / "config").read_text(),
        "status": repo.git("--no-optional-locks", "status", "--porcelain=v2", "--branch"),
        "leftovers": sorted(path.name for path in git.glob("*index*")),
        "reflog": repo.git("reflog"),
    }


@contextmanager
def nothing_of_the_users_changes(repo: Repo) -> Iterator[None]:
    before = users_own(repo)
    yield
    after = users_own(repo)
    assert after == before


class TestAround:
    def test_outside_of_git(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="has no versions to compare") as error:
            Repository.around(tmp_path)
        assert error.value.exit_code == ExitCode.USAGE

    def test_no_commit_yet(self, tmp_path: Path) -> None:
        made = make_repository(tmp_path / "new")
        with pytest.raises(UsageError, match="has no commit yet; commit something first"):
            at(made)

    def test_no_git_on_path(self, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))
        with pytest.raises(UsageError, match="install git"):
            at(repo)

    @pytest.mark.parametrize("place", [".git", ".git/refs"])
    def test_inside_of_git_s_own_folder(self, repo: Repo, place: str) -> None:
        with pytest.raises(UsageError, match="has no versions to compare"):
            at(repo, place)

    def test_a_bare_repository(self, repo: Repo, tmp_path: Path) -> None:
        repo.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
        with pytest.raises(UsageError, match="has no versions to compare"):
            Repository.around(tmp_path / "bare")

    def test_a_subfolder_knows_its_place(self, repo: Repo) -> None:
        found = at(repo, "code")
        assert (found.folder, found.top, found.prefix) == (repo.root / "code", repo.root, "code/")

    @pytest.mark.parametrize("name", ["with a space", "quote's", "ünï", "-dash", "new\nline", "[glob]*"])
    def test_any_name_of_the_repository_s_folder(self, name: str, tmp_path: Path) -> None:
        made = make_repository(tmp_path / name)
        commit = made.commit("one", **{"sub dir/a": "1"})
        found = at(made, "sub dir")
        assert (found.top, found.prefix) == (made.root, "sub dir/")
        assert (found.worktree(commit, made.root / ".rlops" / "worktrees") / "a").read_text() == "1"

    def test_variables_of_a_git_hook_do_not_lead_astray(
        self, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = make_repository(tmp_path / "other")
        other.commit("another history")
        for name, value in {
            "GIT_DIR": str(other.root / ".git"), "GIT_WORK_TREE": str(other.root), "GIT_PREFIX": "x/",
            "GIT_INDEX_FILE": str(other.root / ".git" / "index"), "GIT_COMMON_DIR": str(other.root / ".git"),
        }.items():  # fmt: skip
            monkeypatch.setenv(name, value)
        found = at(repo)
        assert found.top == repo.root
        repo.write("code/a.py", "a = 22\n")
        before = (other.root / ".git" / "index").read_bytes() if (other.root / ".git" / "index").exists() else b""
        assert contents(repo, found.snapshot(["code"]))[b"code/a.py"] == b"a = 22\n"
        after = (other.root / ".git" / "index").read_bytes() if (other.root / ".git" / "index").exists() else b""
        assert before == after

    def test_a_repository_of_another_user_says_what_git_says(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as in a container job of GitHub Actions
        with pytest.raises(UsageError, match="dubious ownership"):
            at(repo)


class TestCommit:
    @pytest.mark.parametrize("ref", ["HEAD", "main", "HEAD~0", "@", "refs/heads/main", "v1", "annotated"])
    def test_every_way_to_name_a_commit(self, repo: Repo, ref: str) -> None:
        repo.git("tag", "v1")
        repo.git("tag", "--annotate", "--message", "x", "annotated")
        assert at(repo).commit(ref) == repo.git("rev-parse", "HEAD")

    @pytest.mark.parametrize(
        "ref", ["nope", "", "--help", "-", "--all", "HEAD:code/a.py", "main..HEAD", "0" * 40, "HEAD~9", "a b", "@{9}"]
    )
    def test_what_names_none_is_refused(self, repo: Repo, ref: str) -> None:
        with pytest.raises(UsageError, match="git knows no commit"):
            at(repo).commit(ref)

    def test_a_ref_that_is_negated_is_refused(self, repo: Repo) -> None:
        with pytest.raises(UsageError, match="git knows no commit"):
            at(repo).commit("^main")

    def test_an_unknown_ref_comes_with_a_hint(self, repo: Repo, tmp_path: Path) -> None:
        repo.git("clone", "--quiet", "--branch=main", "--no-checkout", ".", str(tmp_path / "clone"))
        clone = Repo(tmp_path / "clone")
        clone.git("checkout", "--quiet", "-b", "mine")
        clone.git("branch", "--quiet", "--delete", "main")
        for ref, hint in {
            "main": "did you mean origin/main?",
            "origin/nope": "git fetch origin nope .*fetch-depth: 0",
            "nope": "git branch --all",
        }.items():
            with pytest.raises(UsageError, match=hint):
                at(clone).commit(ref)

    def test_resolve_takes_merge_bases(self, repo: Repo) -> None:
        fork = repo.git("rev-parse", "HEAD~1")
        repo.branch("side", fork)
        repo.commit("elsewhere")
        assert at(repo).resolve("mergebase(main,side)") == fork
        assert at(repo).resolve("side") == repo.git("rev-parse", "side")
        with pytest.raises(UsageError, match="git knows no commit 'nope'"):
            at(repo).resolve("mergebase(main,nope)")

    @pytest.mark.parametrize("name", ["a,b", "fix(core)"])
    def test_resolve_takes_every_name_that_git_takes(self, repo: Repo, name: str) -> None:
        repo.branch(name)
        assert at(repo).resolve(f"mergebase(main,{name})") == repo.git("rev-parse", "main")


class TestMergeBase:
    @given(st.data())
    @settings(max_examples=12)
    def test_it_is_a_best_common_ancestor_of_any_history(self, data: st.DataObject) -> None:
        """Against the definition: an ancestor of both that is no ancestor of another one."""
        parents: list[list[int]] = []
        for number in range(data.draw(st.integers(2, 7))):
            several = st.lists(st.integers(0, number - 1), max_size=2, unique=True) if number else st.just([])
            parents.append(data.draw(several))
        a, b = (data.draw(st.integers(0, len(parents) - 1)) for _ in "ab")
        with tempfile.TemporaryDirectory() as folder:
            made = make_repository(Path(folder).resolve() / "r")
            tree = made.git("write-tree")
            commits: list[str] = []
            for number, of in enumerate(parents):
                options = itertools.chain.from_iterable(("-p", commits[i]) for i in of)
                commits.append(made.git("commit-tree", tree, *options, "-m", str(number)))
            made.git("update-ref", "refs/heads/main", commits[-1])
            ancestors = [{i} for i in range(len(parents))]
            for i, of in enumerate(parents):
                ancestors[i] = ancestors[i].union(*(ancestors[j] for j in of))
            common = ancestors[a] & ancestors[b]
            best = {i for i in common if not any(i in ancestors[j] for j in common - {i})}
            if best:
                assert at(made).merge_base(commits[a], commits[b]) in {commits[i] for i in best}
            else:
                with pytest.raises(UsageError, match="have no commit in common"):
                    at(made).merge_base(commits[a], commits[b])

    def test_unrelated_histories(self, repo: Repo) -> None:
        repo.git("checkout", "--quiet", "--orphan", "other")
        repo.commit("another beginning")
        with pytest.raises(UsageError, match="main and other have no commit in common"):
            at(repo).merge_base("main", "other")

    def test_across_the_merge_commit_that_github_checks_out(self, repo: Repo, tmp_path: Path) -> None:
        """refs/pull/7/merge, HEAD detached, main has moved on since: the base is the main that was merged."""
        fork = repo.git("rev-parse", "main")
        repo.branch("pr")
        repo.commit("the change", **{"code/a.py": "a = 22\n"})
        repo.git("checkout", "--quiet", "main")
        merged_with = repo.commit("main goes on", **{"README.md": "hello\n"})
        repo.git("checkout", "--quiet", "--detach", "main")
        repo.git("merge", "--quiet", "--no-ff", "--message", "Merge pr into main", "pr")
        repo.git("update-ref", "refs/pull/7/merge", "HEAD")
        repo.git("checkout", "--quiet", "main")
        repo.commit("main goes on again")
        clone = make_repository(tmp_path / "clone")
        clone.git("remote", "add", "origin", str(repo.root))
        clone.git("fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "+refs/pull/7/merge:refs/x")
        clone.git("checkout", "--quiet", "--detach", "refs/x")
        found = at(clone)
        assert found.merge_base("origin/main", "HEAD") == merged_with
        assert found.merge_base("HEAD^1", "HEAD") == merged_with
        assert found.merge_base("origin/main", "HEAD^2") == fork
        assert found.branch() is None
        assert found.snapshot(["code"]) == clone.git("rev-parse", "HEAD")


class TestShallow:
    def clone(self, repo: Repo, folder: Path, *options: str) -> Repo:
        repo.branch("side", "HEAD~1")
        repo.commit("a change", **{"code/a.py": "a = 22\n"})
        repo.git("clone", "--quiet", "--depth=1", *options, f"file://{repo.root}", str(folder))
        return Repo(folder)

    def test_says_what_to_fetch_and_that_helps(self, repo: Repo, tmp_path: Path) -> None:
        clone = self.clone(repo, tmp_path / "clone", "--no-single-branch")
        with pytest.raises(UsageError, match=r"(?s)shallow.*git fetch --unshallow.*fetch-depth: 0") as error:
            at(clone).merge_base("origin/main", "HEAD")
        assert error.value.exit_code == ExitCode.USAGE
        clone.git("fetch", "--quiet", "--unshallow")
        assert at(clone).merge_base("origin/main", "HEAD") == repo.git("rev-parse", "main~1")

    def test_where_only_the_branch_was_fetched(self, repo: Repo, tmp_path: Path) -> None:
        clone = self.clone(repo, tmp_path / "clone")
        with pytest.raises(UsageError, match=r"git fetch origin main .*fetch-depth: 0"):
            at(clone).merge_base("origin/main", "HEAD")

    def test_where_only_the_branch_was_fetched_and_the_base_has_no_remote_in_its_name(
        self, repo: Repo, tmp_path: Path
    ) -> None:
        clone = self.clone(repo, tmp_path / "clone")
        with pytest.raises(UsageError, match="fetch-depth: 0"):
            at(clone).merge_base("main", "HEAD")

    def test_a_merge_base_within_reach_is_found(self, repo: Repo, tmp_path: Path) -> None:
        clone = self.clone(repo, tmp_path / "clone", "--no-single-branch")
        clone.git("fetch", "--quiet", "--depth=2")
        assert at(clone).merge_base("origin/main", "HEAD") == repo.git("rev-parse", "main~1")

    def test_the_command_exits_with_2(
        self, repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        clone = self.clone(repo, tmp_path / "clone", "--no-single-branch")
        ended = CommandLine(clone.root, monkeypatch, capfd)("gate", "own", "--base", "origin/main")
        assert (ended.code, ended.out) == (2, "")
        assert "git fetch --unshallow" in ended.err
        assert not (clone.root / ".rlops" / "worktrees").exists()


OPERATIONS = ("nothing", "edit", "delete", "stage an edit", "stage, then edit", "unstage", "make executable")


class TestSnapshot:
    def test_is_head_where_nothing_differs(self, repo: Repo) -> None:
        repo.write("notes.txt", "untracked, outside")
        repo.write("code/x.log", "ignored")
        os.utime(repo.root / "code" / "a.py", (1, 1))
        assert at(repo).snapshot(["code"]) == repo.git("rev-parse", "HEAD")

    def test_equal_contents_are_equal_commits_however_they_came_about(self, repo: Repo) -> None:
        repo.write("code/a.py", "a = 22\n")
        repo.write("code/new.py", "")
        unstaged = at(repo).snapshot(["code"])
        repo.git("add", "code/new.py")
        half = at(repo).snapshot(["code"])
        repo.git("add", "--all")
        assert unstaged == half == at(repo).snapshot(["code"]) != repo.git("rev-parse", "HEAD")

    def test_an_edit_in_the_second_of_the_checkout_that_keeps_the_size_is_seen(self, repo: Repo) -> None:
        """A script that checks out, edits and gates. git itself sees it: it compares with the time of the index.

        The times are set here, so that the test need not wait for the next second.
        """
        path, index, then = repo.root / "code" / "a.py", repo.root / ".git" / "index", (1_000_000_000, 1_000_000_000)
        repo.git("config", "core.trustctime", "false")
        os.utime(path, then)
        repo.git("update-index", "--refresh")
        os.utime(index, then)
        path.write_text("a = 2\n")
        os.utime(path, then)
        assert repo.git("--no-optional-locks", "status", "--porcelain") == "M code/a.py"
        assert contents(repo, at(repo).snapshot(["code"]))[b"code/a.py"] == b"a = 2\n"

    def test_is_known_by_the_commit_below_it(self, repo: Repo) -> None:
        head = repo.git("rev-parse", "HEAD")
        repo.write("code/a.py", "a = 22\n")
        found = at(repo)
        assert found.below_snapshot(found.snapshot(["code"])) == head
        assert found.below_snapshot(head) is None
        assert found.below_snapshot(repo.git("rev-list", "--max-parents=0", "HEAD")) is None

    def test_who_the_user_is_has_no_part_in_it(self, repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
        repo.write("code/a.py", "a = 22\n")
        first = at(repo).snapshot(["code"])
        monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody else")
        monkeypatch.setenv("GIT_COMMITTER_DATE", "2011-11-11T11:11:11Z")
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        for key, value in {"user.name": "me", "commit.gpgSign": "true", "gpg.program": "false"}.items():
            repo.git("config", key, value)
        assert at(repo).snapshot(["code"]) == first

    @given(
        st.dictionaries(
            st.sampled_from(["code/a.py", "code/b.py", "code/deep/c.py", "docs/d.md", "e"]),
            st.sampled_from(OPERATIONS),
        ),
        st.sets(st.sampled_from(["code/new.py", "code/n/m.py", "docs/new.md", "new", "code/x.log", "y.log"])),
        st.sets(st.sampled_from(["code/new.py", "docs/new.md"])),
    )
    @settings(max_examples=12)
    def test_holds_tracked_files_as_they_are_and_new_ones_below_the_code(
        self, operations: dict[str, str], created: set[str], staged: set[str]
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = make_repository(Path(folder).resolve() / "r")
            names = ["code/a.py", "code/b.py", "code/deep/c.py", "docs/d.md", "e"]
            made.commit("one", **{name: f"{name}\n" for name in names}, **{".gitignore": "*.log\n"})
            expected = {name.encode(): f"{name}\n".encode() for name in names} | {b".gitignore": b"*.log\n"}
            for name, operation in operations.items():
                self.operate(made, name, operation, expected)
            for name in created:
                made.write(name, "new\n")
                if name in staged:
                    made.git("add", name)
                below_code = name.startswith("code/") and not name.endswith(".log")
                if below_code or name in staged:
                    expected[name.encode()] = b"new\n"
            with nothing_of_the_users_changes(made):
                commit = at(made).snapshot(["code", "does/not/exist"])
            assert contents(made, commit) == expected
            tree = made.git("rev-parse", "HEAD^{tree}") == made.git("rev-parse", f"{commit}^{{tree}}")
            assert (commit == made.git("rev-parse", "HEAD")) == tree

    def operate(self, made: Repo, name: str, operation: str, expected: dict[bytes, bytes]) -> None:
        path = made.root / name
        if operation == "delete":
            path.unlink()
            del expected[name.encode()]
        elif operation == "make executable":
            path.chmod(0o755)
        elif operation == "unstage":
            made.git("rm", "--quiet", "--cached", name)
            if not name.startswith("code/"):  # a file that is not tracked any more, outside of the code
                del expected[name.encode()]
        elif operation != "nothing":
            path.write_text("edited\n")
            if operation.startswith("stage"):
                made.git("add", name)
            if operation.endswith("then edit"):
                path.write_text("edited again\n")
            expected[name.encode()] = path.read_bytes()

    @pytest.mark.parametrize(
        "name", ["-n", "--all", ":colon", "*", "[a]", "a b", "\n", '"', "\\", "ü", "\udcff", " ", "~", "$(id)", "x\t"]
    )
    def test_files_named_oddly(self, repo: Repo, name: str) -> None:
        for folder in ("code", "."):
            (repo.root / folder / name).write_text("tracked\n")
        repo.git("add", "--all")
        repo.git("commit", "--quiet", "--message", "odd")
        (repo.root / "code" / name).write_text("edited\n")
        (repo.root / "code" / f"new{name}").write_text("new\n")
        found = at(repo)
        commit = found.snapshot(["code"])
        place = found.worktree(commit, repo.root / ".rlops" / "worktrees")
        there = files_below(place)
        assert (there[f"code/{name}"], there[f"code/new{name}"], there[name]) == (b"edited\n", b"new\n", b"tracked\n")
        assert {os.fsencode(key): content for key, content in there.items()} == contents(repo, commit)
        assert set(found.changed("HEAD", commit, ["code"])) == {f"code/{name}", f"code/new{name}"}

    @pytest.mark.parametrize("name", ["a[1].py", "a b.py", "-n", "ü.py", "a*.py", ":colon", ":(top)a"])
    def test_a_code_path_named_oddly(self, repo: Repo, name: str) -> None:
        """It means itself: no pattern, no magic of git."""
        for new in (name, "a1.py", "ab.py"):
            repo.write(new, "new\n")
        seen = contents(repo, at(repo).snapshot([name]))
        assert seen[os.fsencode(name)] == b"new\n"
        assert not {b"a1.py", b"ab.py"} & seen.keys()

    def test_a_deleted_and_a_renamed_code_path(self, repo: Repo) -> None:
        (repo.root / "code" / "a.py").rename(repo.root / "code" / "renamed.py")
        (repo.root / "README.md").unlink()
        seen = contents(repo, at(repo).snapshot(["code", "README.md"]))
        assert set(seen) == {b".gitignore", b"code/b.py", b"code/renamed.py"}
        shutil.rmtree(repo.root / "code")
        assert set(contents(repo, at(repo).snapshot(["code", "README.md"]))) == {b".gitignore"}

    @pytest.mark.parametrize("path", ["generated", "generated/tracked.py"])
    def test_tracked_code_that_gitignore_names(self, repo: Repo, path: str) -> None:
        repo.write("generated/tracked.py", "1\n")
        repo.git("add", "--all")
        repo.commit("ignore it", **{".gitignore": "generated/\n"})
        repo.write("generated/tracked.py", "2\n")
        assert contents(repo, at(repo).snapshot([path]))[b"generated/tracked.py"] == b"2\n"

    def test_from_a_subfolder_paths_are_the_subfolder_s(self, repo: Repo) -> None:
        repo.commit("apps", **{"app/code/x.py": "1\n", "lib/y.py": "1\n"})
        for name in ("app/code/new.py", "code/new.py", "lib/new.py"):
            repo.write(name, "new\n")
        repo.write("README.md", "tracked, above\n")
        seen = contents(repo, at(repo, "app").snapshot(["code", "../lib"]))
        assert {b"app/code/new.py", b"lib/new.py"} <= set(seen)
        assert b"code/new.py" not in seen
        assert seen[b"README.md"] == b"tracked, above\n"

    def test_in_the_middle_of_a_merge_conflict(self, repo: Repo) -> None:
        repo.branch("side", "HEAD~1")
        repo.commit("theirs", **{"code/a.py": "a = 3\n"})
        repo.git("checkout", "--quiet", "main")
        repo.commit("ours", **{"code/a.py": "a = 4\n"})
        with pytest.raises(subprocess.CalledProcessError):
            repo.git("merge", "--quiet", "side")
        with nothing_of_the_users_changes(repo):
            seen = contents(repo, at(repo).snapshot(["code"]))
        assert b"<<<<<<<" in seen[b"code/a.py"]
        assert "UU code/a.py" in repo.git("status", "--porcelain")

    def test_while_another_git_holds_the_index(self, repo: Repo) -> None:
        repo.write("code/a.py", "a = 22\n")
        (repo.root / ".git" / "index.lock").touch()
        commit = at(repo).snapshot(["code"])
        assert contents(repo, commit)[b"code/a.py"] == b"a = 22\n"
        assert (repo.root / ".git" / "index.lock").exists()

    def test_with_stash_and_split_index(self, repo: Repo) -> None:
        repo.write("code/a.py", "a = 55\n")
        repo.git("stash", "--quiet")
        repo.git("update-index", "--split-index")
        repo.write("code/a.py", "a = 22\n")
        commit = at(repo).snapshot(["code"])
        assert contents(repo, commit)[b"code/a.py"] == b"a = 22\n"
        assert repo.git("stash", "list").startswith("stash@{0}")
        assert repo.git("status", "--porcelain") == "M code/a.py"

    def test_the_user_s_own_worktree_is_a_repository_like_any_other(self, repo: Repo, tmp_path: Path) -> None:
        repo.git("worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "mine"))
        mine = Repo(tmp_path / "mine")
        mine.write("code/a.py", "a = 22\n")
        before = repo.git("status", "--porcelain")
        found = at(mine)
        commit = found.snapshot(["code"])
        assert contents(repo, commit)[b"code/a.py"] == b"a = 22\n"
        assert (found.worktree(commit, mine.root / ".rlops" / "w") / "code" / "a.py").read_text() == "a = 22\n"
        assert (repo.git("status", "--porcelain"), mine.git("branch", "--show-current")) == (before, "mine")

    def test_a_submodule_and_an_lfs_pointer_do_not_crash(self, repo: Repo, tmp_path: Path) -> None:
        library = make_repository(tmp_path / "library")
        library.commit("one", **{"lib.py": "1\n"})
        repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library.root), "code/library")
        pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
        repo.commit(
            "more", **{"code/big.bin": pointer, ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"}
        )
        repo.write("code/big.bin", pointer.replace("size 1", "size 2"))
        repo.write("code/library/lib.py", "2\n")
        found = at(repo)
        with nothing_of_the_users_changes(repo):
            commit = found.snapshot(["code"])
            place = found.worktree(commit, repo.root / ".rlops" / "worktrees")
        assert "size 2" in (place / "code" / "big.bin").read_text()
        assert found.worktree(commit, repo.root / ".rlops" / "worktrees") == place


class TestWorktree:
    @pytest.fixture
    def parent(self, repo: Repo) -> Path:
        return repo.root / ".rlops" / "worktrees"

    def is_whole(self, repo: Repo, place: Path, commit: str) -> bool:
        there = {os.fsencode(name): content for name, content in files_below(place).items()}
        return there == contents(repo, commit) and Repo(place).git("rev-parse", "HEAD") == commit

    def test_holds_the_commit_and_is_made_once(self, repo: Repo, parent: Path) -> None:
        old = repo.git("rev-parse", "HEAD~1")
        with nothing_of_the_users_changes(repo):
            place = at(repo).worktree(old, parent)
            assert self.is_whole(repo, place, old)
            (place / "left by a trainer").touch()
            (place / "code" / "__pycache__").mkdir()
            assert at(repo).worktree(old, parent) == place
        assert (place / "left by a trainer").exists()

    @pytest.mark.parametrize(
        "damage",
        [
            "rm -r worktrees", "rm -r worktrees/*", "rm worktrees/*/.git", "rm -r worktrees/*/code",
            "echo x | tee worktrees/*/README.md", "git -C worktrees/* checkout -q HEAD~1",
            "git -C worktrees/* reset -q --soft HEAD~1", "rm -r ../.git/worktrees",
            "rm -r worktrees && git worktree prune", "mv worktrees/* worktrees/x",
            "rm -r worktrees/*/* worktrees/*/.g*",
            "git -C worktrees/* rm -q README.md", "git -C worktrees/* checkout -q -b theirs",
            "touch ../.git/worktrees/$(ls ../.git/worktrees)/index.lock && echo x | tee worktrees/*/README.md",
            "echo garbage | tee ../.git/worktrees/*/index",
            "echo garbage | tee worktrees/*/.git", "chmod -w worktrees/*/code",
            "mv worktrees/* w && ln -s ../w worktrees/$(git rev-parse HEAD | cut -c1-12)",
        ],
    )  # fmt: skip
    def test_what_was_damaged_by_hand_is_repaired(self, repo: Repo, parent: Path, damage: str) -> None:
        commit = repo.git("rev-parse", "HEAD")
        at(repo).worktree(commit, parent)
        subprocess.run(damage, shell=True, cwd=parent.parent, check=True)  # noqa: S602
        with nothing_of_the_users_changes(repo):
            place = at(repo).worktree(commit, parent)
        assert self.is_whole(repo, place, commit)

    def test_what_was_edited_by_hand_comes_back_as_it_was_and_the_branch_made_there_stays(
        self, repo: Repo, parent: Path
    ) -> None:
        commit = repo.git("rev-parse", "HEAD")
        place = at(repo).worktree(commit, parent)
        (place / "code" / "a.py").write_text("a = 77\n")
        assert at(repo).worktree(commit, parent) == place
        assert (place / "code" / "a.py").read_text() == "a = 1\n"

    def test_one_half_made_because_git_was_killed_is_repaired(self, repo: Repo, parent: Path) -> None:
        """What SIGTERM to rlops does, too: subprocess.run kills git on the way out."""
        repo.git("config", "filter.deadly.smudge", "kill -9 $(ps -o ppid= -p $PPID) $PPID; cat")
        commit = repo.commit("three", **{".gitattributes": "README.md filter=deadly\n"})
        with pytest.raises(UsageError):
            at(repo).worktree(commit, parent)
        repo.git("config", "--unset", "filter.deadly.smudge")
        assert self.is_whole(repo, at(repo).worktree(commit, parent), commit)

    def test_no_hook_of_the_user_runs(self, repo: Repo, parent: Path) -> None:
        self.install_hooks(repo, HOOKS)
        repo.write("code/a.py", "a = 22\n")
        found = at(repo)
        found.worktree(found.snapshot(["code"]), parent)
        found.worktree(found.commit("HEAD"), parent)
        assert not (repo.root.parent / "hooks ran").exists()

    def test_nor_the_one_for_changes_of_the_index(self, repo: Repo) -> None:
        self.install_hooks(repo, ["post-index-change"])
        repo.write("code/a.py", "a = 22\n")
        at(repo).snapshot(["code"])
        assert not (repo.root.parent / "hooks ran").exists()

    def install_hooks(self, repo: Repo, names: Iterator[str] | tuple[str, ...] | list[str]) -> None:
        for name in names:
            hook = repo.root / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f'#!/bin/sh\necho {name} >> "{repo.root.parent}/hooks ran"\n')
            hook.chmod(0o755)

    def test_a_hooks_folder_of_the_user_s_configuration_neither(self, repo: Repo, parent: Path, tmp_path: Path) -> None:
        self.install_hooks(repo, HOOKS)
        (repo.root / ".git" / "hooks").rename(tmp_path / "hooks")
        repo.git("config", "core.hooksPath", str(tmp_path / "hooks"))
        at(repo).worktree(repo.git("rev-parse", "HEAD"), parent)
        assert not (tmp_path / "hooks ran").exists()

    def test_several_processes_at_once(self, repo: Repo, parent: Path) -> None:
        commits = [repo.git("rev-parse", "HEAD"), repo.git("rev-parse", "HEAD~1")]
        program = (
            "import sys; from pathlib import Path; from rlops.plan.repository import Repository\n"
            "print(Repository.around(Path.cwd()).worktree(sys.argv[1], Path(sys.argv[2])))"
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(repo.root.parent), "PYTHONPATH": str(CHECKOUT)}
        children = [
            subprocess.Popen(
                [sys.executable, "-c", program, commit, str(parent)],
                cwd=repo.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for commit in (*commits, *commits)
        ]  # fmt: skip
        ended = [child.communicate(timeout=60) for child in children]
        assert [child.returncode for child in children] == [0] * 4, ended
        for commit, (out, _) in zip((*commits, *commits), ended, strict=True):
            assert self.is_whole(repo, Path(out.strip()), commit)

    def test_a_folder_that_the_commit_does_not_have(self, repo: Repo, parent: Path) -> None:
        repo.commit("new", **{"new/x": "1"})
        with pytest.raises(UsageError, match="has no folder new/; call rlops in one that both versions have"):
            at(repo, "new").worktree(repo.git("rev-parse", "HEAD~1"), parent)
        assert at(repo, "new").worktree(repo.git("rev-parse", "HEAD"), parent).name == "new"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("status.branch", "true"), ("status.short", "true"), ("core.autocrlf", "true"), ("core.eol", "crlf"),
            ("submodule.recurse", "true"), ("diff.noprefix", "true"), ("log.showSignature", "true"),
            ("core.quotePath", "true"), ("core.fileMode", "false"), ("core.untrackedCache", "true"),
            ("status.showUntrackedFiles", "all"), ("color.ui", "always"), ("core.sparseCheckout", "true"),
            ("worktree.guessRemote", "true"), ("extensions.worktreeConfig", "true"), ("feature.manyFiles", "true"),
        ],
    )  # fmt: skip
    def test_the_user_s_configuration_does_not_matter(self, repo: Repo, parent: Path, key: str, value: str) -> None:
        repo.git("config", key, value)
        repo.write("code/a.py", "a = 22\n")
        found = at(repo)
        commit = found.snapshot(["code"])
        place = found.worktree(commit, parent)
        marker = place / "made once"
        marker.touch()
        assert found.worktree(commit, parent) == place
        assert marker.exists()
        assert (place / "code" / "a.py").read_text() == "a = 22\n"
        assert found.changed("HEAD", commit, ["code"]) == ("code/a.py",)
        assert found.below_snapshot(commit) == found.commit("HEAD")


class TestChanged:
    @given(
        st.dictionaries(
            st.sampled_from(["code/a", "code/b/c", "docs/d", "requirements.txt", "baselines/own.json", "sub/x"]),
            st.sampled_from(["same", "edit", "delete", "new"]),
            min_size=1,
        )
    )
    @settings(max_examples=8)
    def test_names_what_is_edited_added_and_deleted_below_the_paths(self, operations: dict[str, str]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made = make_repository(Path(folder).resolve() / "r")
            before = {name: "same\n" for name, operation in operations.items() if operation != "new"}
            a = made.commit("a", **before, keep="x")
            for name, operation in operations.items():
                if operation == "delete":
                    (made.root / name).unlink()
                elif operation != "same":
                    made.write(name, operation)
            b = made.commit("b")
            paths = ["code", "baselines/own.json"]
            expected = {n for n, op in operations.items() if op != "same" and n.startswith(("code/", "baselines/"))}
            assert set(at(made).changed(a, b, paths)) == expected
            assert at(made).changed(a, a, paths) == ()

    def test_a_rename_is_a_deletion_and_an_addition(self, repo: Repo) -> None:
        repo.git("mv", "code/a.py", "code/z.py")
        repo.commit("rename")
        assert at(repo).changed("HEAD~1", "HEAD", ["code"]) == ("code/a.py", "code/z.py")

    def test_names_are_relative_to_the_subfolder(self, repo: Repo) -> None:
        repo.commit("edit", **{"code/a.py": "2", "README.md": "2"})
        assert at(repo, "code").changed("HEAD~1", "HEAD", ["."]) == ("a.py",)
