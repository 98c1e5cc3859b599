r"""What a human grader says of responses to questions with a gold answer, written by hand.

Each case is (gold answer, response, verdict). `KNOWN_TO_DIFFER` holds those of which the verifier
says otherwise: the verdict there is the human's, and docs/verifiers.md names them.
"""

# ruff: noqa: RUF001 (signs that look like others are cases here)
from __future__ import annotations

Case = tuple[str, str, str]

R, W, U = "right", "wrong", "unscored"

INTEGERS: list[Case] = [
    ("12", r"So we get \boxed{12}.", R),
    ("12", r"So we get \boxed{12}", R),
    ("12", r"\boxed{ 12 }", R),
    ("12", r"\boxed{12.0}", R),
    ("12", r"\boxed{12.}", R),
    ("12", r"\boxed{13}", W),
    ("12", r"\boxed{-12}", W),
    ("-12", r"\boxed{-12}", R),
    ("-12", "\\boxed{−12}", R),
    ("-12", r"\boxed{12}", W),
    ("12", r"\boxed{012}", R),
    ("12", r"\boxed{+12}", R),
    ("12", r"\boxed{1 2}", W),
    ("12", r"\boxed{\frac{24}{2}}", R),
    ("12", r"\boxed{3 \cdot 4}", R),
    ("12", r"\boxed{x=12}", R),
    ("12", r"\boxed{x = 12}", R),
    ("12", r"\boxed{n=3}", W),
    ("0", r"\boxed{0}", R),
    ("0", r"\boxed{-0}", R),
    ("0", r"\boxed{0.0000001}", W),
    ("0", r"\boxed{}", W),
    ("0", "", W),
    ("1", r"\boxed{1.000001}", W),
    ("120", r"\boxed{5!}", R),
    ("1024", r"\boxed{2^{10}}", R),
    ("2^{10}", r"\boxed{1024}", R),
    ("10", r"\boxed{\binom{5}{2}}", R),
    ("3", r"\boxed{\log_2 8}", R),
    ("7", r"\boxed{|-7|}", R),
    ("3", r"\boxed{\sqrt{9}}", R),
    ("3", r"\boxed{\lfloor \pi \rfloor}", R),
]

THOUSANDS: list[Case] = [
    ("1000", r"\boxed{1,000}", R),
    ("1,000", r"\boxed{1000}", R),
    ("1000000", r"\boxed{1,000,000}", R),
    ("10000", r"\boxed{10{,}000}", R),
    ("10{,}000", r"\boxed{10\,000}", R),
    ("10000", r"\boxed{10 000}", R),
    ("10000", r"\boxed{10,\!000}", R),
    ("1234.5", r"\boxed{1,234.5}", R),
    ("1000", r"\boxed{1,00}", W),
    ("1000", r"\boxed{100}", W),
    ("36,000", r"\boxed{36}", W),
]

FRACTIONS: list[Case] = [
    (r"\frac{1}{2}", r"\boxed{\frac{1}{2}}", R),
    (r"\frac{1}{2}", r"\boxed{\dfrac{1}{2}}", R),
    (r"\frac{1}{2}", r"\boxed{\tfrac12}", R),
    (r"\frac12", r"\boxed{1/2}", R),
    (r"\frac12", r"\boxed{0.5}", R),
    (r"\frac12", r"\boxed{.5}", R),
    (r"\frac12", r"\boxed{\frac{2}{4}}", R),
    (r"\frac12", r"\boxed{2}", W),
    (r"\frac12", "\\boxed{½}", R),
    (r"\frac{1}{3}", r"\boxed{0.333333}", R),
    (r"\frac{1}{3}", r"\boxed{0.33}", W),
    (r"\frac{1}{3}", r"\boxed{0.\overline{3}}", R),
    (r"0.1\overline{6}", r"\boxed{\frac16}", R),
    ("1", r"\boxed{0.\overline{9}}", R),
    (r"\frac{1}{3}", r"\boxed{\frac13 \approx 0.33}", R),
    (r"-\frac{3}{4}", r"\boxed{\frac{-3}{4}}", R),
    (r"-\frac{3}{4}", r"\boxed{\frac{3}{-4}}", R),
    (r"-\frac{3}{4}", r"\boxed{-.75}", R),
    (r"\frac{3}{4}", r"\boxed{\frac{4}{3}}", W),
    (r"3\frac{1}{2}", r"\boxed{\frac{7}{2}}", R),
    (r"3\frac{1}{2}", r"\boxed{3.5}", R),
    (r"\frac{7}{2}", r"\boxed{3 \frac{1}{2}}", R),
    (r"\frac{7}{2}", r"\boxed{3 1/2}", R),
    (r"\frac{7}{2}", r"\boxed{\frac{3}{2}}", W),
    (r"\frac{22}{7}", r"\boxed{\pi}", W),
    (r"\frac{\sqrt{3}}{3}", r"\boxed{\frac{1}{\sqrt{3}}}", R),
    (r"\frac{\sqrt{3}}{3}", r"\boxed{\frac{\sqrt{3}}{2}}", W),
    (r"\frac{a+b}{2}", r"\boxed{\frac{1}{2}(a+b)}", R),
    (r"\frac{1}{x+1}", r"\boxed{(x+1)^{-1}}", R),
    ("3/8", r"\boxed{0.375}", R),
    ("3/8", r"\boxed{.38}", W),
]

DECIMALS: list[Case] = [
    ("0.75", r"\boxed{\frac{3}{4}}", R),
    ("0.75", r"\boxed{0.750}", R),
    ("3.14", r"\boxed{\pi}", W),
    (r"\pi", r"\boxed{3.14159265}", R),
    (r"\pi", r"\boxed{3.14}", W),
    (r"\sqrt{2}", r"\boxed{1.41421356}", R),
    (r"\sqrt{2}", r"\boxed{1.4}", W),
    ("2.5", r"\boxed{2.50}", R),
    ("2.5", r"\boxed{2.05}", W),
    ("1000000.5", r"\boxed{1000001}", W),
    ("0.001", r"\boxed{10^{-3}}", R),
    ("5.0", r"\boxed{5}", R),
]

SCIENTIFIC: list[Case] = [
    (r"6.02 \times 10^{23}", r"\boxed{6.02 \times 10^{23}}", R),
    (r"6.02 \times 10^{23}", r"\boxed{6.02 \cdot 10^{23}}", R),
    (r"6.02 \times 10^{23}", r"\boxed{6.02e23}", R),
    (r"6.02 \times 10^{23}", "\\boxed{6.02 × 10²³}", R),
    (r"6.02 \times 10^{23}", r"\boxed{6.02 \times 10^{22}}", W),
    (r"1.6 \times 10^{-19}", r"\boxed{1.6 \times 10^{-19}}", R),
    (r"1.6 \times 10^{-19}", r"\boxed{1.7 \times 10^{-19}}", W),
    (r"1.6 \times 10^{-19}", r"\boxed{0.0}", W),
    (r"\frac{\pi}{10^9}", r"\boxed{0.0}", W),
    ("300000000", r"\boxed{3 \times 10^8}", R),
    ("1200", r"\boxed{1.2 \times 10^3}", R),
]

PERCENT: list[Case] = [
    (r"50\%", r"\boxed{50\%}", R),
    (r"50\%", r"\boxed{50}", R),
    ("50", r"\boxed{50\%}", R),
    (r"50\%", r"\boxed{0.5}", R),
    ("0.5", r"\boxed{50\%}", R),
    (r"50\%", r"\boxed{\frac{1}{2}}", R),
    (r"50\%", r"\boxed{5\%}", W),
    (r"12.5\%", r"\boxed{12.5 \%}", R),
    (r"50\%", r"\boxed{50 \text{ percent}}", R),
    (r"50\%", r"\boxed{50}\%", R),
    (r"50\%", r"\boxed{500}", W),
]

UNITS: list[Case] = [
    ("5", r"\boxed{5 \text{ cm}}", R),
    ("5", r"\boxed{5\,\text{cm}}", R),
    ("5", r"\boxed{5\mathrm{cm}}", R),
    ("5", r"\boxed{5 cm}", R),
    (r"5 \text{ cm}", r"\boxed{5}", R),
    (r"5 \text{ cm}^2", r"\boxed{5}", R),
    ("5", r"\boxed{5 \text{ cm}^2}", R),
    ("5", r"\boxed{5 \text{ square units}}", R),
    ("12", r"\boxed{12 \text{ apples}}", R),
    ("12", r"\boxed{12\text{ widgets per hour}}", R),
    ("12", r"\boxed{12 widgets}", R),
    (r"25\pi", r"\boxed{25\pi \text{ cm}^2}", R),
    (r"25\pi", r"\boxed{25 \pi}", R),
    (r"25\pi", r"\boxed{25}", W),
    (r"12 \text{ hours}", r"\boxed{12 \text{ hours}}", R),
    ("3000", r"\boxed{3 \text{ thousand}}", R),
    ("3", r"\boxed{3 \text{ thousand}}", W),
    ("3", r"\boxed{3 \text{ million}}", W),
    ("7", r"\boxed{8 \text{ cm}}", W),
]

CURRENCY: list[Case] = [
    ("5", r"\boxed{\$5}", R),
    (r"\$5", r"\boxed{5}", R),
    (r"\$1,250", r"\boxed{\$1250}", R),
    ("1250", r"The total is \$1,250.00", R),
    ("18", r"\boxed{18 \text{ dollars}}", R),
    ("18", r"\boxed{\$18.00}", R),
    ("18", "\\boxed{€18}", R),
    ("18", r"\boxed{\$18.50}", W),
]

DEGREES: list[Case] = [
    ("90", r"\boxed{90^\circ}", R),
    (r"90^\circ", r"\boxed{90}", R),
    (r"90^{\circ}", r"\boxed{90^\circ}", R),
    ("90", "\\boxed{90°}", R),
    ("90", r"\boxed{90 \text{ degrees}}", R),
    (r"90^\circ", r"\boxed{45^\circ}", W),
    (r"\frac{\pi}{4}", r"\boxed{\frac{\pi}{4}}", R),
    (r"\frac{\pi}{4}", r"\boxed{\frac{\pi}{3}}", W),
]

BOXES: list[Case] = [
    ("5", r"\boxed{\boxed{5}}", R),
    ("5", r"\boxed{x=\boxed{5}}", R),
    ("5", r"First \boxed{3}, but then we see that it is \boxed{5}", R),
    ("3", r"First \boxed{3}, but then we see that it is \boxed{5}", W),
    ("5", r"\boxed{5}. We checked that $2+3=5$ and 7 is prime.", R),
    ("7", r"\boxed{5}. We checked that $2+3=5$ and 7 is prime.", W),
    ("5", r"\fbox{5}", R),
    ("5", r"\boxed {5}", R),
    ("5", r"\boxed 5", R),
    ("5", r"$$\boxed{5}$$", R),
    ("5", r"\[ \boxed{5} \]", R),
    ("5", r"\boxed{5} and some \boxed{", R),
    ("5", r"\boxed{5} and some \boxed{}", R),
    (r"\frac{1}{2}", r"\boxed{\frac{1}{\frac{4}{2}}}", R),
    (r"\{1,2\}", r"\boxed{\{1,2\}}", R),
    ("5", r"\boxed{\text{The answer is } 5}", R),
    (r"2, 3", r"$\boxed{2}$ and $\boxed{3}$", R),
    (r"2, 3", r"$x=\boxed{2}$ or $x=\boxed{3}$", R),
    ("3", r"$\boxed{2}$ or $\boxed{3}$", W),
    ("3", r"$\boxed{3}$, $\boxed{3}$", R),
    (r"\boxed{7}", r"\boxed{7}", R),
    (r"We get $x = \boxed{7}$.", r"\boxed{7}", R),
]

PROSE: list[Case] = [
    ("5", "The answer is 5.", R),
    ("5", "The answer is $5$.", R),
    ("5", "The final answer is: 5", R),
    ("5", "Final Answer: The final answer is $5$. I hope it is correct.", R),
    ("5", "**Answer:** 5", R),
    ("5", "Answer: **5**", R),
    ("5", "2 + 3 = 5\n#### 5", R),
    ("5", "#### 5", R),
    ("5", "so x = 5", R),
    ("5", "Therefore $x = 5$.", R),
    ("5", "So there are 5 apples left.", R),
    ("5", "The answer is that there are 5 apples.", R),
    ("5", "The answer is 6.", W),
    ("5", "5 is close but the answer is 6", W),
    ("5", "I do not know.", W),
    ("5", "It is between 3 and 5, so I say the answer is between 3 and 5.", W),
    (r"\frac{3}{4}", r"The answer is $\frac{3}{4}$.", R),
    (r"\frac{3}{4}", "The answer is 3/4", R),
    (r"x^2+1", "Answer: $x^2 + 1$", R),
    (r"2, 3", "The answer is $x=2$ or $x=3$.", R),
    ("3", "The answer is $2$ or $3$.", W),
    ("5", "The answer is 5 because 2 + 3 = 5.", R),
    ("5", "The answer is\n\n$$5$$", R),
    ("3.5", "The answer is 3.5.", R),
]

ENUMERATIONS: list[Case] = [
    ("5", r"\boxed{3 \text{ or } 5}", W),
    ("5", r"\boxed{3, 4, 5}", W),
    ("5", r"\boxed{5 \text{ or } 6 \text{ or } 7}", W),
    ("5", r"\boxed{1,2,3,4,5,6,7,8,9,10}", W),
    ("5", r"\boxed{\{4,5\}}", W),
    ("5", r"\boxed{5 \text{ or } 5}", R),
    ("5", r"\boxed{x=3 \text{ or } x=5}", W),
    ("5", r"\boxed{\pm 5}", W),
    (r"\text{A}", r"\boxed{\text{A or B or C}}", W),
    ("3, 5", r"\boxed{3 \text{ and } 5}", R),
    ("3, 5", r"\boxed{3 \text{ or } 5}", R),
    ("3, 5", r"\boxed{5, 3}", R),
    ("3, 5", r"\boxed{3}", W),
    ("3, 5", r"\boxed{3, 5, 7}", W),
    ("1,-2", r"\boxed{x=1 \text{ or } x=-2}", R),
    ("1,-2", r"\boxed{x=1, x=-2}", R),
    ("1,-2", r"\boxed{-2,1}", R),
    ("1,-2", r"\boxed{1,2}", W),
]

SETS: list[Case] = [
    (r"\{1,2,3\}", r"\boxed{\{3,2,1\}}", R),
    (r"\{1,2,3\}", r"\boxed{\left\{1,2,3\right\}}", R),
    (r"\{1,2,3\}", r"\boxed{1,2,3}", R),
    (r"\{1,2,3\}", r"\boxed{\{1,2\}}", W),
    (r"\{1,2,3\}", r"\boxed{\{1,2,3,4\}}", W),
    (r"\{\frac12, \frac13\}", r"\boxed{\{\frac13, 0.5\}}", R),
    (r"\emptyset", r"\boxed{\varnothing}", R),
    (r"\emptyset", "\\boxed{∅}", R),
    (r"\emptyset", r"\boxed{0}", W),
    (r"\pm 2", r"\boxed{2, -2}", R),
    (r"2, -2", r"\boxed{\pm 2}", R),
    (r"\pm 2", r"\boxed{2}", W),
    (r"1 \pm \sqrt{2}", r"\boxed{1+\sqrt{2}, 1-\sqrt{2}}", R),
    (r"1 \pm \sqrt{2}", r"\boxed{1 - \sqrt{2}, 1 + \sqrt{2}}", R),
    (r"1 \pm \sqrt{2}", "\\boxed{1 ± √2}", R),
    (r"1 \pm \sqrt{2}", r"\boxed{1+\sqrt{2}}", W),
]

TUPLES: list[Case] = [
    ("(3,-1)", r"\boxed{(3,-1)}", R),
    ("(3,-1)", r"\boxed{\left(3, -1\right)}", R),
    ("(3,-1)", r"\boxed{(-1,3)}", W),
    ("(3,-1)", r"\boxed{(2,-1)}", W),
    ("(2,1)", r"\boxed{(3,1)}", W),
    (r"(\frac{1}{2}, 2)", r"\boxed{(0.5, 2)}", R),
    (r"\left(3,\frac{\pi}{2}\right)", r"\boxed{(3, \pi/2)}", R),
    ("(1,2,3)", r"\boxed{(1,2,3)}", R),
    ("(1,2,3)", r"\boxed{(3,2,1)}", W),
    ("(1,2)", r"\boxed{(1,2,3)}", W),
]

INTERVALS: list[Case] = [
    ("[1,2]", r"\boxed{[1,2]}", R),
    ("[1,2]", r"\boxed{(1,2)}", W),
    ("[1,2)", r"\boxed{[1,2)}", R),
    ("[1,2)", r"\boxed{[1,2]}", W),
    ("[1,2]", r"\boxed{1 \le x \le 2}", R),
    ("[1,2]", r"\boxed{x \in [1,2]}", R),
    ("[1,2]", r"\boxed{x \ge 1 \text{ and } x \le 2}", R),
    ("[1,2]", r"\boxed{x \ge 1 \text{ or } x \le 2}", W),
    ("(1,2)", r"\boxed{1<x<2}", R),
    (r"(3,\infty)", r"\boxed{x>3}", R),
    (r"(3,\infty)", r"\boxed{(3, +\infty)}", R),
    (r"(3,\infty)", r"\boxed{[3,\infty)}", W),
    (r"(-\infty, 3]", r"\boxed{x \leq 3}", R),
    (r"(-\infty,1)\cup(3,\infty)", r"\boxed{(-\infty, 1) \cup (3, \infty)}", R),
    (r"(-\infty,1)\cup(3,\infty)", "\\boxed{(−∞, 1) ∪ (3, ∞)}", R),
    (r"(-\infty,1)\cup(3,\infty)", r"\boxed{x<1 \text{ or } x>3}", R),
    (r"(-\infty,1)\cup(3,\infty)", r"\boxed{(3,\infty) \cup (-\infty,1)}", R),
    (r"(-\infty,1)\cup(3,\infty)", r"\boxed{(1,3)}", W),
    (r"[\frac12, 3]", r"\boxed{[0.5, 3]}", R),
    (r"(0,1)\cup(1,\infty)", r"\boxed{(0,\infty)}", W),
]

RELATIONS: list[Case] = [
    ("x>3", r"\boxed{3<x}", R),
    ("x>3", r"\boxed{(3,\infty)}", R),
    ("x>3", r"\boxed{x \ge 3}", W),
    ("x>3", r"\boxed{x<3}", W),
    (r"x \le 5", "\\boxed{x ≤ 5}", R),
    (r"1 \le x < 4", r"\boxed{[1,4)}", R),
    ("x=5", r"\boxed{5}", R),
    ("x=5", r"\boxed{x=5}", R),
    ("x=5", r"\boxed{x = 6}", W),
    ("x=5", r"\boxed{y=5}", W),
    ("y=2x+3", r"\boxed{y=2x+3}", R),
    ("y=2x+3", r"\boxed{2x+3}", R),
    ("2x+3", r"\boxed{y=2x+3}", R),
    ("y=2x+3", r"\boxed{y=3+2x}", R),
    ("y=2x+3", r"\boxed{y-2x=3}", R),
    ("y=2x+3", r"\boxed{y=2x-3}", W),
    ("f(x)=x^2", r"\boxed{f(x)=x^2}", R),
    ("f(x)=x^2", r"\boxed{x^2}", R),
    ("x^2+y^2=4", r"\boxed{x^2+y^2=4}", R),
    ("x^2+y^2=4", r"\boxed{x^2+y^2-4=0}", R),
    ("x^2+y^2=4", r"\boxed{x^2+y^2=2}", W),
]

ALGEBRA: list[Case] = [
    ("x^2-1", r"\boxed{(x-1)(x+1)}", R),
    ("x^2-1", r"\boxed{-1+x^2}", R),
    ("x^2-1", r"\boxed{x^2+1}", W),
    ("a+b", r"\boxed{b+a}", R),
    ("2x", r"\boxed{x+x}", R),
    ("2x", r"\boxed{x^2}", W),
    (r"\sqrt{8}", r"\boxed{2\sqrt{2}}", R),
    (r"2\sqrt{2}", r"\boxed{2\sqrt2}", R),
    (r"2\sqrt{2}", "\\boxed{2√2}", R),
    (r"\sqrt[3]{8}", r"\boxed{2}", R),
    ("10", r"\boxed{10x}", W),
    ("x^3", "\\boxed{x³}", R),
    (r"\sin^2 x", r"\boxed{1-\cos^2 x}", R),
    (r"\ln 2", r"\boxed{\ln(2)}", R),
    (r"e^2", r"\boxed{e^{2}}", R),
    (r"\frac{\pi}{6}", "\\boxed{π/6}", R),
    (r"2\pi", r"\boxed{6.28318531}", R),
    (r"2\pi r", r"\boxed{2 \pi r}", R),
    (r"k\pi, k \in \mathbb{Z}", r"\boxed{k\pi}", R),
    (r"k\pi, k \in \mathbb{Z}", r"\boxed{2k\pi, k \in \mathbb{Z}}", W),
    (r"\langle 1, 2 \rangle", r"\boxed{\langle 1,2\rangle}", R),
    (r"x^{10}", r"\boxed{x^10}", R),
]

COMPLEX: list[Case] = [
    ("3+4i", r"\boxed{3+4i}", R),
    ("3+4i", r"\boxed{4i+3}", R),
    ("3+4i", r"\boxed{3-4i}", W),
    ("i", r"\boxed{i}", R),
    ("-i", r"\boxed{i}", W),
    (r"\frac{1+i}{2}", r"\boxed{\frac12+\frac12 i}", R),
]

MATRICES: list[Case] = [
    (
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\boxed{\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}}",
        R,
    ),
    (
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\boxed{\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}}",
        R,
    ),
    (
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\boxed{\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}}",
        W,
    ),
    (
        r"\begin{pmatrix}1/2\\3\end{pmatrix}",
        r"\boxed{\begin{pmatrix} \frac{1}{2} \\ 3 \end{pmatrix}}",
        R,
    ),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\boxed{\begin{pmatrix} 2 \\ 1 \end{pmatrix}}", W),
]

BASES: list[Case] = [
    ("1011_2", r"\boxed{1011_2}", R),
    ("1011_2", r"\boxed{1011_{2}}", R),
    ("1011_2", r"\boxed{1011}", R),
    ("1011_2", r"\boxed{1011_3}", W),
    ("1011_2", r"\boxed{1101_2}", W),
    ("4210_{5}", r"\boxed{4210_5}", R),
    ("1011", r"\boxed{1011_2}", R),
]

WORDS: list[Case] = [
    (r"\text{Evelyn}", r"\boxed{\text{Evelyn}}", R),
    (r"\text{Evelyn}", r"\boxed{Evelyn}", R),
    (r"\text{Evelyn}", "The answer is Evelyn.", R),
    ("Evelyn", r"\boxed{\text{evelyn}}", R),
    (r"\text{Evelyn}", r"\boxed{\text{Briana}}", W),
    (r"\text{even}", r"\boxed{\text{odd}}", W),
    (r"\text{even}", r"\boxed{even}", R),
    (r"\text{no solution}", r"\boxed{\text{No solution}}", R),
    ("Yes", r"\boxed{\text{Yes}}", R),
    ("Yes", r"\boxed{\text{No}}", W),
    (r"\text{(C)}", r"\boxed{\text{(C)}}", R),
    (r"\text{(C)}", r"\boxed{C}", R),
    (r"\text{(C)}", r"\boxed{(C)}", R),
    (r"\text{(C)}", r"\boxed{\textbf{(C)}\ 5}", R),
    (r"\text{(C)}", r"\boxed{B}", W),
    ("D", r"\boxed{\textbf{(D)} 12}", R),
    ("D", r"\boxed{\textbf{(A)} 12}", W),
    (r"\text{June 20}", r"\boxed{\text{June 20}}", R),
    (r"\text{ellipse}", r"\boxed{\text{an ellipse}}", R),
]

SPACING: list[Case] = [
    ("5", "\\boxed{\u200b5}", R),
    ("12", "\\boxed{1\u200b2}", R),
    ("5", "\\boxed{\u202e5\u202c}", R),
    ("5", "\\boxed{５}", R),
    ("5", r"\boxed{\!5}", R),
    ("5", r"\boxed{\;5\;}", R),
    ("5", r"\boxed{\displaystyle 5}", R),
    ("5", "\\boxed{\n5\n}", R),
    (r"\frac{1}{2}", r"\boxed{\frac {1} {2}}", R),
    (r"(1, 2)", r"\boxed{\big(1,\,2\big)}", R),
    ("5", r"\boxed{\mathbf{5}}", R),
    ("5", r"\boxed{\text{5}}", R),
    ("3.14", r"\boxed{\approx 3.14}", R),
]

# Where math-verify alone says otherwise.
MEANING: list[Case] = [
    (r"5 \text{ cm}", r"\boxed{5 \text{ m}}", W),
    (r"\frac{5}{6} \text{ hours}", r"\boxed{50 \text{ minutes}}", R),
    (r"60^\circ", r"\boxed{\frac{\pi}{3}}", R),
    (r"\{x : x > 2\}", r"\boxed{(2,\infty)}", R),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\boxed{(1,2)}", R),
    (r"(2,-2)", r"\boxed{2,-2}", W),
    (r"-1", r"\boxed{e^{i\pi}}", R),
    ("x", r"\boxed{x+0}", R),
]

BROKEN: list[Case] = [
    ("5", r"\boxed{\frac{}{}}", W),
    ("5", r"\boxed{\frac{5}{0}}", W),
    ("5", r"\boxed{5+}", W),
    ("3", r"\boxed{3 \text{ hours } 20 \text{ minutes}}", W),
    ("5", r"\boxed{???}", W),
    ("5", r"\boxed{\text{unknown}}", W),
    ("5", r"\boxed{\undefined{5}{6}}", W),
    ("5", r"\boxed{\infty}", W),
    (r"\infty", "\\boxed{∞}", R),
    (r"\frac{\frac{", r"\boxed{5}", U),
    ("", r"\boxed{5}", U),
    ("???", r"\boxed{5}", U),
]

CASES: list[Case] = [
    *INTEGERS, *THOUSANDS, *FRACTIONS, *DECIMALS, *SCIENTIFIC, *PERCENT, *UNITS, *CURRENCY,
    *DEGREES, *BOXES, *PROSE, *ENUMERATIONS, *SETS, *TUPLES, *INTERVALS, *RELATIONS, *ALGEBRA,
    *COMPLEX, *MATRICES, *BASES, *WORDS, *SPACING, *MEANING,
    *BROKEN,
]  # fmt: skip

KNOWN_TO_DIFFER: list[Case] = [
    # The engineer's imaginary unit, and a constant in lower case.
    ("3+2i", r"\boxed{3+2j}", R),
    (r"\frac{x^3}{3}+C", r"\boxed{\frac{x^3}{3}+c}", R),
    # Sums of units, and more than two words in another order.
    (r"\frac{3}{2} \text{ hours}", r"\boxed{1 \text{ hour } 30 \text{ minutes}}", R),
    (r"\text{red, green and blue}", r"\boxed{\text{blue, green and red}}", R),
    # The same said in other words; what is counted.
    (r"50 \text{ apples}", r"\boxed{50 \text{ oranges}}", W),
    (r"\text{east}", r"\boxed{\text{due east}}", R),
    # Names of free integers.
    (r"k\pi, k \in \mathbb{Z}", r"\boxed{n\pi, n \in \mathbb{Z}}", R),
    # What is not worked out by the response is worked out by sympy.
    ("55", r"\boxed{\sum_{i=1}^{10} i}", W),
    # Without a box and without "the answer is", the last number counts, whatever it is of.
    (r"\frac{3}{4}", "The probability is 3 out of 4.", R),
    # Boxes with labels between them are not one answer.
    ("2, 3", r"(a) \boxed{2} (b) \boxed{3}", R),
]
