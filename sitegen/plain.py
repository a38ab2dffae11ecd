"""The files of a release that no template makes: attachments, the theme's assets, public copies of the archive."""

from __future__ import annotations

import functools
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sitegen import archived, content, files, mentions, output, pictures, reader
from sitegen.config import Project
from sitegen.errors import Problem, Refused
from sitegen.inputs import Inputs
from sitegen.model import Site
from sitegen.pages import sitemap
from sitegen.pictures import Studio
from sitegen.state import State
from sitegen.text import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """`digest` as `sha256:…`; `source`: the bytes, or where they are. `linked`: the file may be shared, not copied."""

    digest: str
    source: Path | bytes
    linked: bool = False


@dataclass(slots=True, kw_only=True)
class PlainFiles:
    """What to put and what to remove, against what is remembered."""

    put: dict[str, Plain] = field(default_factory=dict)
    remove: set[str] = field(default_factory=set)
    troubles: dict[str, list[Problem]] = field(default_factory=dict)
    """Owner → what is wrong; an empty list takes back what was."""

    def want(
        self, file: str, digest: str, source: Path | bytes, before: Mapping[str, str], *, linked: bool = False
    ) -> None:
        if before.get(file) != digest:
            self.put[file] = Plain(digest=digest, source=source, linked=linked)


def compare(
    project: Project,
    inputs: Inputs,
    state: State,
    theme: Mapping[str, tuple[str, Path]],
    attachments: Iterable[str],
    section_files: Mapping[str, str],
) -> PlainFiles:
    """`attachments`: files whose claims may be others; `section_files`: those that sections show, with their digests."""
    found = PlainFiles()
    studio = Studio(project.build / pictures.FOLDER) if inputs.tree.sites[""].pictures else None
    before = state.plain_below("assets/")
    for file, (digest, path) in theme.items():
        found.want(file, digest, path, before)
    found.remove |= before.keys() - theme.keys()
    shown_before = set(state.value("section files").split("\n")) - {""}
    settings = studio.settings if studio else ""
    if state.value("pictures") != settings:  # what the same pictures become is another thing now
        attachments = [*attachments, *(file for file, _column in state.attached_files() if pictures.is_picture(file))]
        state.set_value("pictures", settings)
    for file in sorted({*attachments, *state.attachments_below_pages(), *shown_before, *section_files}):
        _claimed(file, project, state, found, section_files, studio)
    _archive(inputs, state, found)
    _reader(inputs, state, found)
    return found


def generated(project: Project, state: State, found: PlainFiles) -> None:
    """robots.txt and the index of the site maps, when the parts are known."""
    made = {
        "robots.txt": sitemap.robots(project.site_url),
        "sitemap.xml": sitemap.index(project.site_url, state.site_maps()),
    }
    before = state.plain_digests(made)
    for file, data in made.items():
        found.want(file, files.sha256(data), data, before)


def _claimed(
    file: str,
    project: Project,
    state: State,
    found: PlainFiles,
    section_files: Mapping[str, str],
    studio: Studio | None,
) -> None:
    """One attachment: the first article by path that publishes it decides which bytes it has."""
    owner, problems = f"attachment {file}", []
    before = state.plain_digests([file])
    claims = state.attachment_claims(file)
    if claims and any(state.page(parent.as_posix()) for parent in PurePosixPath(file).parents):
        problems = [_in_the_way(source, file) for source, _digest, _place in claims]
        claims = []
    for source, digest, _place in claims[1:]:
        if digest != claims[0][1]:
            problems.append(_conflict(source, file))
    made = studio if pictures.is_picture(file) else None
    if pictures.is_picture(file):
        problems += _pictures(file, claims, project, state, found, made)
    if claims:
        _source, digest, place = claims[0]
        derived = made.derive(digest, functools.partial(read_as_judged, project.root / place)) if made else None
        if made and derived and "clean" in derived.made:
            found.want(file, derived.made["clean"], made.folder(digest) / "clean", before)
        else:
            found.want(file, digest, project.root / place, before)
    elif file in section_files:
        found.want(file, section_files[file], project.content / file, before)
    elif before:
        found.remove.add(file)
    found.troubles[owner] = problems


def _pictures(
    file: str,
    claims: Sequence[tuple[str, str, str]],
    project: Project,
    state: State,
    found: PlainFiles,
    studio: Studio | None,
) -> list[Problem]:
    """What is made of a picture in each version that an article shows; what is no picture is told."""
    before = state.plain_below(f"{pictures.FOLDER}/{file}/")
    here: set[str] = set()
    problems: list[Problem] = []
    for source, digest, place in claims:
        if studio is None:
            break
        derived = studio.derive(digest, functools.partial(read_as_judged, project.root / place))
        for name, made in derived.made.items():
            if name != "clean":
                here.add(address := pictures.address(file, digest, name))
                found.want(address, made, studio.folder(digest) / name, before)
        if derived.trouble:
            problems.append(_no_picture(source, file, derived.trouble))
    found.remove |= before.keys() - here
    return problems


def _no_picture(source: str, file: str, trouble: str) -> Problem:
    if trouble == "large":
        code, message = (
            "picture-too-large",
            _("content/{path} has more points than any screen: it is published as it is"),
        )
    else:
        code, message = (
            "picture-unreadable",
            _("content/{path} is no picture, or a broken one: it is published as it is"),
        )
    return Problem(
        path=f"content/{source}",
        code=code,
        severity="warning",
        message=message.format(path=file),
        remedy=_("save it anew in a picture editor, as JPEG or PNG, and have the article reviewed"),
    )


def section_files(inputs: Inputs, state: State, digest: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """Files that a section's own text shows, with their digests. Only those that stand beside its index.md and that no
    article names: what an article binds is published by its review alone."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    reader = content.DiskFiles(inputs.tree.root, inputs.tree.files, digest)
    for section in inputs.tree.sections:
        badges = set(section.badges.values()) if isinstance(section, Site) else set()
        for path in sorted(mentions.local_files(section.body, section.source) | badges):
            if path not in reader or path.endswith(".md"):
                continue
            beside = posixpath.dirname(path) == posixpath.dirname(section.source)
            bound = state.is_linked(path)
            if beside and not bound and content.is_attachment(path):
                try:
                    found[path] = reader.digest(path)
                except OSError as error:
                    problems.append(content.unreadable_attachment(section.source, path, error))
            elif not bound:
                problems.append(_refused(section.source, path, beside=beside))
    return found, problems


def _refused(source: str, path: str, *, beside: bool) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-refused",
        message=_("{name} is of a kind that is not published beside the pages").format(name=path)
        if beside
        else _("{name} does not stand beside this file: only an article's review publishes it").format(name=path),
        remedy=_("put the file beside index.md, or into an article"),
    )


def _archive(inputs: Inputs, state: State, found: PlainFiles) -> None:
    """Each published capture, whole. Its copies are looked at when its index is first seen, and after `--clean`."""
    wanted: dict[str, archived.Published] = {
        f"archive/{index.site}/{index.timestamp}/": index for index in inputs.published if index.mode == "copies"
    }
    known = set(state.value("captures").split("\n")) - {""}
    for prefix, index in wanted.items():
        if f"{prefix} {index.digest}" in known:
            continue
        before = state.plain_below(prefix)
        copies, damaged = _copies(index, prefix)
        for file, (digest, path) in copies.items():
            found.want(file, digest, path, before, linked=True)
        found.remove |= before.keys() - copies.keys()
        found.troubles[prefix] = damaged
    for prefix in {line.partition(" ")[0] for line in known} - wanted.keys():
        found.remove |= state.plain_below(prefix).keys()
        found.troubles[prefix] = []


def _reader(inputs: Inputs, state: State, found: PlainFiles) -> None:
    """ReplayWeb.page, where a published capture can be opened with it."""
    before = state.plain_digests(reader.FILES)
    wanted = inputs.reader if any(archived.package_of(index) for index in inputs.published) else {}
    for file, (digest, path) in wanted.items():
        found.want(file, digest, path, before)
    found.remove |= before.keys() - wanted.keys()


def remember_captures(inputs: Inputs, state: State) -> None:
    """Those whose copies are all right; a damaged one is looked at again."""
    lines = [f"archive/{i.site}/{i.timestamp}/ {i.digest}" for i in inputs.published if i.mode == "copies"]
    state.set_value("captures", "\n".join(line for line in lines if not state.has_trouble(line.partition(" ")[0])))


def _copies(index: archived.Published, prefix: str) -> tuple[dict[str, tuple[str, Path]], list[Problem]]:
    """Each copy's digest is checked; one that is not what the index says is told and left out."""
    found: dict[str, tuple[str, Path]] = {}
    damaged: list[Problem] = []
    root = index.folder.resolve()
    for name, facts in sorted(index.files.items()):
        source = index.folder / name
        whole = source.resolve().is_relative_to(root) and source.is_file() and source.stat().st_size == facts["bytes"]
        if whole and files.sha256_file(source) == facts["sha256"]:
            found[prefix + name] = (str(facts["sha256"]), source)
        else:
            damaged.append(
                Problem(
                    path=f"build/public/{index.site}/{index.timestamp}/{name}",
                    code="archive-copy-damaged",
                    message=_("the public copy is missing or not what its index says"),
                    remedy=_("run: {command}").format(command=f"archive publish {index.site}/{index.timestamp}"),
                )
            )
    return found, damaged


def write(item: Plain, file: str, staged: Path, base: Path | None) -> bool:
    """Put one file into the staged tree; True when `base` holds the same bytes. Raises Refused when a source is no
    longer what was judged."""
    if item.linked and isinstance(item.source, Path):
        output.share(item.source, staged, file)
        return base is not None and (base / file).is_file() and files.sha256_file(base / file) == item.digest
    if isinstance(item.source, bytes):
        data = item.source
    else:
        data = read_as_judged(item.source)
        if files.sha256(data) != item.digest:
            raise Refused([changed_meanwhile(item.source.name)])
    return output.put(staged, file, data, base)


def read_as_judged(path: Path) -> bytes:
    """Raises Refused when a file that was judged a moment ago is not there any more."""
    try:
        return files.read(str(path))
    except OSError as error:
        raise Refused([changed_meanwhile(path.name)]) from error


def changed_meanwhile(name: str) -> Problem:
    return Problem(
        path=name,
        code="source-changed-while-building",
        message=_("the file was changed while it was being published; nothing was published"),
        remedy=_("build again"),
    )


def _in_the_way(source: str, path: str) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-in-the-way",
        message=_("a folder of content/{path} has the name of a page").format(path=path),
        remedy=_("rename the folder"),
    )


def _conflict(source: str, path: str) -> Problem:
    return Problem(
        path=f"content/{source}",
        code="attachment-conflict",
        message=_(
            "another article shows content/{path} in the version its reviewers passed, which is not this one"
        ).format(path=path),
        remedy=_("have both articles reviewed with the same file, or give the new file another name"),
    )
