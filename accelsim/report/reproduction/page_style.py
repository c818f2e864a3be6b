"""Styles of the page of a reproduction."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff;
  --soft: #57606a; --line: #d0d7de; --band: #f6f8fa;
  --good: #0b6b3a; --bad: #a40e26; --known: #7a4b00; --link: #0550ae; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9aa4af; --line: #30363d; --band: #161b22;
    --good: #5fd38d; --bad: #ff8b93; --known: #f0b95a; --link: #79b8ff; }
}
* { box-sizing: border-box; }
body { margin: 0; font: 14px/1.4 system-ui, sans-serif; color: var(--ink);
  background: var(--paper); }
main { max-width: 82rem; margin: 0 auto; padding: 0 1rem 3rem; }
a { color: var(--link); }
code { font: 0.9em ui-monospace, monospace; background: var(--band);
  padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; margin: .8rem 0 .3rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { max-width: 60rem; margin: .4rem 0; }
.soft, small { color: var(--soft); }
small { font-size: .82em; }
.wide { overflow-x: auto; }
.box { border: 1px solid var(--line); border-radius: 4px; background: var(--band);
  padding: .5rem .9rem; margin: 1rem 0; max-width: 60rem; }
.box ul { margin: .3rem 0 0; padding-left: 1.2rem; }
details { margin: .4rem 0; }
summary { cursor: pointer; color: var(--link); }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .6rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { background: var(--band); font-weight: 600; }
caption { text-align: left; padding: .3rem 0; color: var(--soft); }
table.pivot { margin-top: 1rem; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.note { min-width: 16rem; max-width: 34rem; }
td.match { white-space: nowrap; font-weight: 600; }
table.sentences { width: 100%; font-size: .78rem; line-height: 1.3; }
.sentences th, .sentences td { padding: .22rem .3rem; }
.sentences td:last-child { min-width: 11rem; }
.sentences th[scope=row] { width: 15%; font-weight: 500; }
.sentences th a { color: inherit; text-decoration-color: var(--line); }
.sentences td.mark { font-weight: 700; }
.sentences td.values { white-space: nowrap; }
.sentences th[scope=row] { white-space: normal; }
.good { color: var(--good); }
.bad { color: var(--bad); }
.known { color: var(--known); }
.none { color: var(--soft); font-weight: 400 !important; }
figure { margin: .8rem 0; }
figure img { display: block; width: 100%; max-width: 52rem; height: auto; background: #ffffff;
  border: 1px solid var(--line); border-radius: 4px; padding: .4rem; }
figcaption { margin-top: .3rem; max-width: 60rem; color: var(--soft); }
@media (max-width: 800px) {
  .sentences thead { display: none; }
  .sentences tr, .sentences th, .sentences td { display: block; width: auto !important; }
  .sentences tr { border: 1px solid var(--line); border-radius: 4px; margin: .6rem 0; }
  .sentences td { border: 0; padding-left: 8.5rem; position: relative; font-size: .85rem; }
  .sentences td::before { content: attr(data-label); position: absolute; left: .5rem;
    color: var(--soft); }
  main { padding: 0 .6rem 2rem; }
}
"""
