"""The statistics of liftmap: pure functions, arrays in, arrays out, on numpy and scipy alone.

Stands between `store` and the analyses: reads tallies (n scored responses and c right ones per
question, before and after) and gives figures with intervals. Import the module you need:

| module | what is there |
|---|---|
| passk | pass@k and accuracy of each question, distinct rows of a tally |
| curtailed | pass@k under a curtailed sampling plan, stopping points |
| intervals | bootstrap weights, means and changes with intervals, the band over k, first loss |
| resampling | sampling units, pseudo-questions: parts of intervals |
| spread | centre, standard error and resampled values: parts of intervals and p-values |
| floors | how much spread the interval of a change counts at the least |
| like_these | pass@k and its change where other questions could be asked |
| these_questions | estimates where other responses, not other questions, could be drawn |
| looks | the level of intervals that hold at every look |
| multiple | intervals of many bins and arms that hold at once; Holm's p-values |
| bins | difficulty bins, change by difficulty, cross-fitted |
| orders | splits of a question's responses, averaged without a seed: parts of bins |
| transitions | before/after matrices: raw, and at half size beside its noise floor |
| lost | questions lost and gained: estimate, noise, excess; observed |
| mcnemar | the test of lost against gained, by cluster where there are clusters |
| support | questions kept, gained, lost, never there; retention and discovery |
| question_change | an exact test of each question, under either plan |
| seeds | the mean change of an arm over several training seeds |
| dependence | signs in the counts that responses are not independent draws |
| repeated_texts | copies among the texts of responses |
| unscored | bounds: unscored responses as wrong, and as right |
| law/ | the joint law of success rates before and after, and what it says |
| power | smallest detectable change, questions that detect a change or show none, cheapest plan |
| moments | means and variances of changes and estimates: parts of power |
| pilot | the questions that power plans with: law of p, clusters, refits to resamples |
| verdict | the words and the label of a comparison |
| answers | majority vote, entropy of answers, guess rate |
| quality | which indicator tells right from wrong responses, within question |
"""
