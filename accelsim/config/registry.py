"""A registry of names: those of accelsim and those that plug-ins add.

Each name of accelsim maps to the place of its declaration, ``package.module:attribute``. The module
is imported when the declaration is first asked for. Listing names therefore imports nothing, and
lower rooms reach declarations of upper rooms without importing them.

Plug-ins add names in two ways. A file or a notebook declares them (`Registry.declare`). An
installed distribution has entry points, which are read from its metadata.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from accelsim.config.plugins.files import load_file
from accelsim.config.plugins.installed import Installed, installed, load_installed
from accelsim.config.plugins.names import declared_names
from accelsim.config.plugins.source import Plugin, Used
from accelsim.config.suggest import did_you_mean
from accelsim.errors import Fault, InputError

BUILT_IN = "built-in"


class Registry:
    """Names of one ``kind``, in the order in which they are listed.

    ``listing``: the command that lists the names, shown in faults; without it, faults list the
    names. ``group``: the group of entry points of installed distributions; none without it.
    ``key``: the name of the kind in results and plug-in files. ``base``: the place of the class
    that a declaration is an instance or, for sections, a subclass of.
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, str],
        listing: str = "",
        group: str = "",
        key: str = "",
        base: str = "",
    ) -> None:
        self.kind = kind
        self.listing = listing
        self.key = key
        self._group = group
        self._base = base
        self._places: dict[str, str] = {}
        self._plugins: dict[str, Plugin] = {}
        """Plug-ins whose code has run, by the names that they declare."""
        self._declarations: dict[str, Any] = {}
        for name, place in entries.items():
            self.register(name, place)

    # Names

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):  # any value of a file
            return False
        return name in self._places or name in self._plugins or name in self._installed

    def names(self, *, unread: bool = True) -> tuple[str, ...]:
        """All names. With ``unread=False``, names of installed plug-ins whose code has not run are
        left out, so that the caller can resolve every name without running their code.
        """
        known = dict.fromkeys((*self._places, *self._plugins))
        return tuple(known | dict.fromkeys(self._installed)) if unread else tuple(known)

    @property
    def _installed(self) -> Mapping[str, tuple[Installed, ...]]:
        return installed(self._group) if self._group else {}

    def is_read(self, name: str) -> bool:
        """True if `resolve` need not run a plug-in's code for this name."""
        return name in self._places or name in self._plugins

    def origin(self, name: str) -> str:
        """``built-in``, or the distribution or file that the name comes from. No code of a plug-in
        runs. InputError as `resolve` for an unknown or doubly claimed name.
        """
        self._refuse_unknown(name)
        if name in self._places:
            return BUILT_IN
        plugin = self._plugins.get(name)
        return plugin.origin if plugin else self._installed[name][0].distribution

    def place(self, name: str) -> str:
        """``package.module:attribute`` of a built-in name. InputError as `resolve`."""
        self._refuse_unknown(name)
        return self._places[name]

    def label(self, name: str) -> str:
        """The plug-in's label, or ``""`` for a built-in name. No code of a plug-in runs. InputError
        as `resolve`.
        """
        self._refuse_unknown(name)
        if name in self._places:
            return ""
        plugin = self._plugins.get(name)
        return plugin.label if plugin else self._installed[name][0].label

    def unknown(self, name: str) -> str:
        """The fault of a name that is not registered: ``unknown rule bpp; did you mean bp?``."""
        listed = self.listing or f"known: {', '.join(self.names())}"
        return (
            f"unknown {self.kind} {name or 'of no name'}{did_you_mean(name, self.names())} "
            f"({listed})"
        )

    def _refuse_unknown(self, name: str) -> None:
        """InputError for an unknown name, and for a name that two plug-ins, or a plug-in and
        accelsim, claim.
        """
        entries = self._installed.get(name, ())
        if name in self._places and entries:
            raise InputError(self._taken(name, entries[0].distribution))
        if len(entries) > 1:
            owners = " and ".join(entry.distribution for entry in entries)
            raise InputError(
                f"{self.kind} {name} must be declared by one distribution, got {owners}"
            )
        if name not in self:
            raise InputError(self.unknown(name))

    def _taken(self, name: str, owner: str) -> str:
        return (
            f"{self.kind} {name} of {owner} must have a name of its own, got that of a built-in "
            f"{self.kind}"
        )

    # Declarations

    def resolve(self, name: str) -> Any:
        """The declaration of a name, imported at the first call.

        InputError for an unknown name, for a name claimed twice, for a place whose module or
        attribute does not exist, and for a broken plug-in.
        """
        self._refuse_unknown(name)
        if name not in self._declarations:
            if name in self._places:
                self._declarations[name] = self._imported(name)
            else:
                self._load(name, self._installed[name][0])
        return self._declarations[name]

    def _imported(self, name: str) -> Any:
        module, _, attribute = self._places[name].partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ModuleNotFoundError, AttributeError) as error:
            raise InputError(
                f"{self.kind} {name} must be declared at {self._places[name]}, got: {error}"
            ) from error

    def _load(self, name: str, entry: Installed) -> None:
        what = f"{self.kind} {name}"
        value, plugin = load_installed(entry, what)
        try:
            names = self.declared_names(value)
        except TypeError as error:
            raise InputError(f"{what} of {entry.distribution}: {error}") from None
        if names and name not in names:
            raise InputError(
                f"{what} of {entry.distribution} must be declared by that name at {entry.place}, "
                f"got {', '.join(names)}"
            )
        self._plugins[name] = plugin  # first, because another thread takes the name as resolved
        self._declarations[name] = value

    def declared_names(self, value: object) -> tuple[str, ...]:
        """The names that a declaration states itself; see
        `accelsim.config.plugins.names.declared_names`. TypeError for a value of another type.
        """
        return declared_names(value, self.kind, self._base)

    def plugin(self, name: str) -> Plugin | None:
        """The plug-in that declares the name, after running its code; None for a built-in name.
        InputError as `resolve`.
        """
        self.resolve(name)
        return self._plugins.get(name)

    def used(self, name: str) -> tuple[Used, ...]:
        """The plug-in of a name, as one `Used`; () for a built-in or unknown name."""
        plugin = self.plugin(name) if name in self else None
        return () if plugin is None else (Used(self.key, name, plugin),)

    def from_file(self, file: str, name: str) -> tuple[Any, Plugin]:
        """The declaration of that name in a plug-in's file, and the plug-in. The name is not
        registered. InputError for a broken file, for a file that does not declare the name, and for
        a built-in name.
        """
        loaded = load_file(file)
        self.refuse_built_in(name, loaded.plugin.origin)
        declaration = loaded.get(self.key, name)
        if declaration is None:
            names = [each.name for each in loaded.declarations if each.kind == self.key]
            raise InputError(
                Fault(
                    file,
                    0,
                    0,
                    f"must declare {self.kind} {name or 'of some name'}, got {loaded.listed}"
                    f"{did_you_mean(name, names)}",
                )
            )
        return declaration.value, loaded.plugin

    # Changes

    def register(self, name: str, place: str) -> None:
        """Add a built-in entry, declared at ``package.module:attribute``. InputError when the name
        is empty or taken, and when the place has another form.
        """
        module, colon, attribute = place.partition(":")
        if not (module and colon and attribute.isidentifier()):
            raise InputError(
                f"{self.kind} {name} must be declared at package.module:attribute, got {place!r}"
            )
        if not name:
            raise InputError(f"{self.kind} of {place} must have a name, got an empty one")
        if name in self._places:
            raise InputError(
                f"{self.kind} {name} must be registered once, got {place} beside "
                f"{self._places[name]}"
            )
        self._places[name] = place

    def refuse_built_in(self, name: str, owner: str) -> None:
        """InputError when a plug-in of ``owner`` declares a name that accelsim has."""
        if name in self._places:
            raise InputError(self._taken(name, owner))

    def refuse_taken(self, name: str, plugin: Plugin) -> None:
        """InputError when a plug-in declares a name that accelsim or another plug-in has. Another
        file is another plug-in, whatever its name, unless its content is the same.
        """
        self.refuse_built_in(name, plugin.origin)
        known = self._plugins.get(name)
        if name in self and (known is None or not plugin.is_version_of(known)):
            owners = plugin.owners(known) if known else f"{plugin.origin} and {self.origin(name)}"
            raise InputError(f"{self.kind} {name} must be declared once, got it from {owners}")

    def is_entry(self, name: str, module: str) -> bool:
        """True if ``module`` declares a name that an entry point of its own package gives. The
        entry point is then the declaration, which is read again at its next use.
        """
        package = module.partition(".")[0]
        if all(entry.package != package for entry in self._installed.get(name, ())):
            return False
        self._declarations.pop(name, None)
        self._plugins.pop(name, None)
        return True

    def declare(self, name: str, value: Any, plugin: Plugin) -> None:
        """Add a plug-in's declaration, or replace an earlier one of the same file or notebook.
        InputError as `refuse_taken`.
        """
        self.refuse_taken(name, plugin)
        self._plugins[name] = plugin
        self._declarations[name] = value

    def state(self) -> tuple[dict[str, Plugin], dict[str, Any]]:
        """The declarations of plug-ins so far, for `restore`."""
        return self._plugins.copy(), self._declarations.copy()

    def restore(self, state: tuple[dict[str, Plugin], dict[str, Any]]) -> None:
        """Forget the declarations that plug-ins have made since `state`."""
        self._plugins, self._declarations = state
