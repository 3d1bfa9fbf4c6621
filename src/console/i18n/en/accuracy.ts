export const accuracy = {
  title: 'Accuracy',
  lead: 'How well scores tell people apart, and what a threshold costs: from a list of your own trials, which stays in this browser.',
  list: {
    title: 'A list of scored trials',
    drop: 'Drop a list of scored trials here, or choose one',
    choose: 'Choose a list',
    hint: 'Lines "label score" or "label enrolment test score" (1: same person, 0: different), CSV with a heading, or JSON; "timbre evaluate --out" writes scores.tsv.',
    reading: 'Reading the list …',
    tooLarge: (largest: string) => `The list is larger than ${largest}.`,
  },
  numbers: {
    title: 'In numbers',
    trials: 'Trials',
    trialCounts: (same: string, different: string) => `${same} of the same person, ${different} of different people`,
    eer: 'Equal error rate',
    eerHint: 'Where as many strangers are accepted as people are missed.',
    minDcf: (prior: string) => `minDCF, ${prior} targets`,
    cllr: 'Cllr',
    minCllr: 'minCllr',
    of: 'bit',
    few: (errors: string) => `Fewer than ${errors} errors are behind the equal error rate: it is a guess.`,
  },
  histogram: {
    title: 'Scores',
    axis: 'Score',
    share: 'Share of trials',
    same: 'same person',
    different: 'different people',
    threshold: 'threshold',
    label: (threshold: string) =>
      `Histogram of the scores of the same person and of different people, with the threshold ${threshold}`,
  },
  det: {
    title: 'Detection error trade-off',
    far: 'Strangers accepted',
    frr: 'People missed',
    label: (far: string, frr: string) =>
      `Error trade-off: at the point ${far} of strangers are accepted and ${frr} of people missed`,
    drag: 'Rates of single comparisons. Drag the point along the curve, or use the slider.',
  },
  decide: {
    title: 'Where to decide',
    people: 'People who are compared (N)',
    peopleWrong: 'A whole number from 1 to 1,000,000.',
    rate: 'Strangers who may be taken for somebody, of 1,000 tries',
    rateText: (share: string) => `${share} of requests`,
    of: (people: string) => `Of 1,000 tries at ${people} people`,
    falseAccepts: 'strangers are taken for somebody',
    misses: 'enrolled people are missed',
    below: 'fewer than 1',
    threshold: 'Threshold',
    policy:
      'The threshold rises with N, as the service raises it: a stranger is compared with everybody, and one high score is enough.',
    observed:
      'The list has too few different people to know how high strangers score beyond it: the rate is the one of its own trials.',
    extrapolated: 'The rate lies beyond what the list can show; the tail of its scores was followed further.',
    saving:
      'Such a list names neither people nor a model, so that nothing is learned of it for the service: "timbre calibrate --save" learns a calibration of trials, or of the people who are enrolled, and saves it.',
  },
  none: 'No list yet',
  noneHint:
    'Collect trials that look like your traffic: the same microphones, languages, lengths and number of recordings.',
};
