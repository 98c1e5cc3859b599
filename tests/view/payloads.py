"""Texts that would run something if any page took them for more than text."""

from __future__ import annotations

# `ran()` would be seen by the tests in the browser; so would a changed title, a request, a dialog.
PAYLOADS: tuple[str, ...] = (
    "<script>ran()</script>",
    "</script><script>ran()</script>",
    "</div></details></main><script>ran()</script>",
    "<img src=x onerror=ran()>",
    '"><img src=x onerror="ran()">',
    "'><svg/onload=ran()>",
    "<svg><script>ran()</script></svg>",
    "<svg><animate onbegin=ran() attributeName=x dur=1s>",
    '<a href="javascript:ran()">click</a>',
    "<a href=JaVaScRiPt&colon;ran()>click</a>",
    "javascript:ran()",
    "<body onload=ran()>",
    "<input autofocus onfocus=ran()>",
    "<details open ontoggle=ran()>",
    "<iframe srcdoc='<script>parent.ran()</script>'></iframe>",
    "<object data='data:text/html,<script>ran()</script>'></object>",
    "<meta http-equiv=refresh content='0;url=javascript:ran()'>",
    "<base href='https://example.invalid/'>",
    "<link rel=stylesheet href='https://example.invalid/x.css'>",
    "<style>*{background:url(https://example.invalid/leak)}</style>",
    "<form action='https://example.invalid/'><button>send</button></form>",
    "<math><mtext><table><mglyph><style><img src=x onerror=ran()></style></mglyph></table></mtext>",
    "<math xlink:href='javascript:ran()'><mi>x</mi></math>",
    "{{ 7*7 }}{% for x in ().__class__.__base__.__subclasses__() %}x{% endfor %}${7*7}",
    "\u202egnorw si txet siht\u202c \u2066isolated\u2069",
    "null \x00 bytes \x1b]0;title\x07 and \x08 bells",
    r"$\href{javascript:ran()}{x}$",
    r"\(\text{<img src=x onerror=ran()>}\)",
    r"\[ \style{background:url(https://example.invalid/leak)}{x} \class{c}{y} \]",
    r"$$\newcommand{\a}{\a\a\a}\a \def\b{\b\b}\b$$",
    r"$\unicode{60}script\unicode{62} &lt;script&gt;ran()&lt;/script&gt; \mathrm{\u003c}$",
)
