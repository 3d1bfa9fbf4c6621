import { useMutation } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi } from '../../api/context.js';
import { keptRecording } from '../../api/recordings.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { KeptAudio, KeptAudioPlayer } from './kept-audio.js';
import { RecordingVerdict } from './recording-verdict.js';

const QUALITY_TONES = { GOOD: 'good', FAIR: 'warn', POOR: 'bad' } as const;
/** Of the table for whoever may play: that takes more than to change recordings. */
const ALL_COLUMNS = 9;

interface RecordingRowProps {
  /** Id of whose it is. */
  person: string;
  recording: Answer<'listEnrollments'>['enrollments'][number];
  chosen: boolean;
  onToggle: () => void;
  onRemove: () => void;
}

/** One recording of somebody, and below it the player once it was asked for. */
export function RecordingRow({ person, recording, chosen, onToggle, onRemove }: RecordingRowProps): ReactNode {
  const t = useMessages().people.recordings;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const what = recording.filename ?? format.dateTime(recording.createdAt);
  // No query, which would be read anew: each reading is an entry of the audit trail. It is gone with the row.
  const audio = useMutation({ gcTime: 0, mutationFn: () => keptRecording(api, person, recording.id) });
  return (
    <>
      <tr>
        {may('enrol') && (
          <td>
            <input type="checkbox" aria-label={t.chooseOne(what)} checked={chosen} onChange={onToggle} />
          </td>
        )}
        <td>
          <time dateTime={recording.createdAt}>{format.dateTime(recording.createdAt)}</time>
        </td>
        <td dir="auto">
          {what} {recording.origin !== 'enrolled' && <Badge>{t.origins[recording.origin]}</Badge>}
        </td>
        <td className="numeric">
          {t.speechOf(format.seconds(recording.speech.seconds), format.seconds(recording.audio.seconds))}
        </td>
        <td>
          <RecordingVerdict recording={recording} />
        </td>
        <td>
          <Badge tone={QUALITY_TONES[recording.quality.label]}>{t.qualities[recording.quality.label]}</Badge>
        </td>
        <td className="numeric">{recording.agreement === null ? '–' : format.number(recording.agreement, 2)}</td>
        <td>
          <KeptAudio recording={recording} what={what} busy={audio.isPending} onPlay={audio.mutate} />
        </td>
        {may('enrol') && (
          <td>
            <Button kind="plain" aria-label={t.removeOne(what)} onClick={onRemove}>
              <Trash2 aria-hidden />
            </Button>
          </td>
        )}
      </tr>
      {recording.audioKept && (audio.isSuccess || audio.isError) && (
        <tr>
          <td colSpan={ALL_COLUMNS}>
            <KeptAudioPlayer
              audio={audio.data}
              error={audio.error}
              what={what}
              fileName={recording.filename ?? recording.id}
              onRetry={audio.mutate}
              onClose={audio.reset}
            />
          </td>
        </tr>
      )}
    </>
  );
}
