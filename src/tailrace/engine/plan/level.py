"""Finds the level of a read that a filter, order or limit is meant for."""

from tailrace.engine.errors import NotEmbedded
from tailrace.engine.plan.draft import Draft
from tailrace.engine.request.select import EmbedPath


def find_level(root: Draft, path: EmbedPath, *, legacy_names: bool) -> Draft:
    """Walk down the path by the names of the embeddings.

    An aliased embedding goes by its alias; with `legacy_names`
    (url-use-legacy-target-names) by its relation's name as well, which the level
    remembers for the Warning header. Levels on the path move to the front of
    their siblings.
    Errors: NotEmbedded (PGRST108) for a name that `select` does not embed.
    """
    level = root
    for name in path:
        level = _descend(level, name, legacy_names)
    return level


def _descend(level: Draft, name: str, legacy_names: bool) -> Draft:
    children = level.children
    for index, child in enumerate(children):
        if child.label == name or (legacy_names and child.name == name):
            if index:
                children.insert(0, children.pop(index))
            if child.label != name:
                child.legacy_name_used = True
            return child
    for child in children:
        if child.name == name:
            raise NotEmbedded(name, alias=child.alias, relation=child.name)
    raise NotEmbedded(name)
