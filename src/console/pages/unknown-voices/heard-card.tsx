import { Play } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { Link } from 'wouter';
import { useAccess, useApi } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Table } from '../../ui/table.js';
import { useToast } from '../../ui/toast.js';
import { recordingOf } from '../conversations/recordings.js';
import { useClips } from './use-clips.js';
import type { UnknownVoice } from './voice-state.js';

interface HeardCardProps {
  voice: UnknownVoice;
  onChange: () => Promise<void>;
}

/** Conversations in which the voice was heard, with where it speaks alone. */
export function HeardCard({ voice, onChange }: HeardCardProps): ReactNode {
  const t = useMessages().unknownVoices.heard;
  const format = useFormat();
  const api = useApi();
  const { may } = useAccess();
  const { tell } = useToast();
  const play = useClips();
  const [splitting, setSplitting] = useState<string | null>(null);
  const several = new Set(voice.heard.map(({ conversationId }) => conversationId)).size > 1;
  const splits = several && voice.state === 'open' && may('enrol');
  return (
    <Card title={t.title}>
      {voice.heard.length === 0 ? (
        <p className="muted">{t.none}</p>
      ) : (
        <>
          <Table caption={t.title} columns={[t.conversation, t.label, t.when, t.alone, ...(splits ? [''] : [])]}>
            {voice.heard.map(({ conversationId, label, filename, heardAt, intervals }) => {
              const title = filename ?? t.untitled;
              return (
                <tr key={`${conversationId} ${label}`}>
                  <th scope="row">
                    <Link href={`/conversations/${conversationId}`} dir="auto">
                      {title}
                    </Link>
                  </th>
                  <td>{label}</td>
                  <td>
                    <time dateTime={heardAt}>{format.dateTime(heardAt)}</time>
                  </td>
                  <td>
                    <span className={layout['row']}>
                      {intervals.map(({ start, end }) => {
                        const [from, to] = [format.duration(start), format.duration(end)];
                        if (!recordingOf(conversationId)) {
                          return (
                            <span key={start} className="numeric">
                              {from}–{to}
                            </span>
                          );
                        }
                        return (
                          <Button
                            key={start}
                            aria-label={t.play(from, to)}
                            onClick={() => play(conversationId, start, end)}
                          >
                            <Play aria-hidden />
                            {from}–{to}
                          </Button>
                        );
                      })}
                    </span>
                  </td>
                  {splits && (
                    <td>
                      <Button aria-label={`${t.split}: ${title}`} onClick={() => setSplitting(conversationId)}>
                        {t.split}
                      </Button>
                    </td>
                  )}
                </tr>
              );
            })}
          </Table>
          <p className={layout['fine']}>{t.noAudio}</p>
        </>
      )}
      <Confirm
        open={splitting !== null}
        onClose={() => setSplitting(null)}
        title={t.splitTitle}
        description={t.splitHint}
        action={t.split}
        onConfirm={async () => {
          const json = { conversations: [splitting!], version: voice.version };
          await api.call('splitUnknownVoice', { id: voice.id, json });
          await onChange();
          tell(t.splitDone);
        }}
      />
    </Card>
  );
}
