"""The joint law of success rates before and after: counts -> fit -> estimates, identification.

| module | what is there |
|---|---|
| counts | the counts that the law is fitted to, exact or binned |
| fit | the joint law, the law of one side, refits to resamples |
| climb | EM for one data set or many at once: part of fit |
| measures | what can be asked of a law: solved, lost, gained, noise, excess |
| estimates | those with intervals: corrected matrix, moves at n, Cover@tau |
| floor | the same figures in data sets where nothing was lost |
| identification | how far laws that the data can't tell apart differ |
| program | the optimisations behind identification |
"""
