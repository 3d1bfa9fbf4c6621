export const identify = {
  title: 'Identify',
  lead: 'Who of the people here is it, if anybody? One recording is compared with everybody.',
  recording: 'Recording',
  among: 'Among',
  everybody: 'Everybody',
  decisions: {
    ACCEPT: (name: string) => `It is ${name}`,
    REJECT: 'It is nobody of the people here',
    AMBIGUOUS: 'It is one of two who are too close to name one',
    NOT_ENROLLED: 'Nobody is enrolled yet',
    NOT_ENOUGH_SPEECH: (missing: string) => `Too little speech: ${missing} more are needed`,
    NONE: 'Not decided: this model has no threshold yet',
    OPEN: 'Not known at this rate',
  },
  nobodyIsNormal: 'That is a usual outcome: most voices are strangers. Nothing about this recording was stored.',
  notTold:
    'For a voice that was refused the service does not tell whom it was nearest to. At this rate it has to be asked once more.',
  askAt: (rate: string) => `Ask at ${rate}`,
  ranking: 'Nearest people',
  people: 'People compared',
  margin: 'Lead over the second',
};
