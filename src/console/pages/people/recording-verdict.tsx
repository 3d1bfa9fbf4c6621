import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';

type Recording = Answer<'listEnrollments'>['enrollments'][number];

/** Whether a recording counts, and where it does not: why, and what to change. */
export function RecordingVerdict({ recording }: { recording: Recording }): ReactNode {
  const t = useMessages().people.recordings;
  const format = useFormat();
  if (!recording.accepted) {
    return (
      <>
        <Badge tone="bad">{t.refused}</Badge>
        {recording.reasons.map((reason) => (
          <div key={reason}>
            {reason === 'TOO_LITTLE_SPEECH' && recording.missingSpeechSeconds !== null
              ? t.reasons.TOO_LITTLE_SPEECH(format.seconds(recording.missingSpeechSeconds))
              : reason === 'TOO_LITTLE_SPEECH'
                ? t.reasons.TOO_LITTLE_SPEECH('')
                : t.reasons[reason]}
          </div>
        ))}
      </>
    );
  }
  if (recording.outlier) {
    return (
      <>
        <Badge tone="warn">{t.outlier}</Badge>
        <div>{t.outlierHint}</div>
      </>
    );
  }
  if (recording.setAside !== null) return <Badge tone="warn">{t.setAside[recording.setAside]}</Badge>;
  return <Badge tone="good">{t.counts}</Badge>;
}
