import { useMutation, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { useAccess, useApi, useInfo, type Access } from '../../api/context.js';
import { useFormat, useMessages, type Messages } from '../../i18n/index.js';
import layout from '../../styles/layout.module.css';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Failure } from '../../ui/failure.js';
import { Select } from '../../ui/field.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { useToast } from '../../ui/toast.js';
import { rulesOf } from '../decide/decide-again.js';
import { watchRates } from './watch-rates.js';
import css from './group-settings.module.css';

type Choice = 'default' | 'on' | 'off';
const CHOICES: readonly Choice[] = ['default', 'on', 'off'];

interface GroupSettingsProps {
  id: string;
  onChange: () => Promise<void>;
}

/** What is set for the members of a group: keeping of audio, learning, and whether they are watched for. */
export function GroupSettings({ id, onChange }: GroupSettingsProps): ReactNode {
  const t = useMessages().groups.settings;
  const api = useApi();
  const info = useInfo();
  const access = useAccess();
  return (
    <Card title={t.title}>
      <OnOff
        kind="keeping"
        id={id}
        onChange={onChange}
        unset={info ? t.everybodyIs[info.recordings.keep ? 'on' : 'off'] : t.choices.default}
        mayChange={access.may('admin')}
        read={(signal) => api.call('getGroupKeeping', { id }, { signal })}
        write={(setting) => api.call('setGroupKeeping', { id, json: { setting } })}
      />
      <OnOff
        kind="learning"
        id={id}
        onChange={onChange}
        unset={t.choices.default}
        mayChange={access.may('enrol')}
        read={(signal) => api.call('getGroupLearning', { id }, { signal })}
        write={(setting) => api.call('setGroupLearning', { id, json: { setting } })}
      />
      {watches(access) && <Watching id={id} onChange={onChange} />}
    </Card>
  );
}

/** A key that is bound to groups is told of no watch list. */
function watches({ may, groups }: Access): boolean {
  return may('admin') && groups === null;
}

interface OnOffProps extends GroupSettingsProps {
  kind: 'keeping' | 'learning';
  /** What holds where nothing is set for the group, in words. */
  unset: string;
  mayChange: boolean;
  read: (signal: AbortSignal) => Promise<{ setting: 'on' | 'off' | null }>;
  write: (setting: 'on' | 'off' | null) => Promise<unknown>;
}

/** What is on or off for a group, or as for everybody. */
function OnOff({ id, onChange, kind, unset, mayChange, read, write }: OnOffProps): ReactNode {
  const t = useMessages().groups.settings;
  const set = useQuery({
    queryKey: ['group', id, kind],
    queryFn: async ({ signal }): Promise<Choice> => (await read(signal)).setting ?? 'default',
  });
  return (
    <Setting<Choice>
      words={t[kind]}
      set={set}
      options={CHOICES.map((choice) => [choice, choice === 'default' ? unset : t.choices[choice]])}
      mayChange={mayChange}
      onSave={async (setting) => {
        await write(setting === 'default' ? null : setting);
        await onChange();
      }}
    />
  );
}

function Watching({ id, onChange }: GroupSettingsProps): ReactNode {
  const t = useMessages().groups.settings;
  const format = useFormat();
  const api = useApi();
  const info = useInfo();
  const set = useQuery({
    queryKey: ['group', id, 'watch'],
    queryFn: async ({ signal }) => String((await api.call('getWatch', { id }, { signal })).falseAcceptRate ?? 'off'),
  });
  const rates = watchRates(rulesOf(info)).map(String);
  // That of another model, or of a program.
  const other = set.data !== undefined && set.data !== 'off' && !rates.includes(set.data) ? [set.data] : [];
  return (
    <Setting<string>
      words={t.watch}
      set={set}
      options={[
        ['off', t.notWatched],
        ...[...rates, ...other].map((rate) => [rate, t.watched(format.number(1 / Number(rate)))] as const),
      ]}
      mayChange
      note={info?.decisions && rates.length === 0 ? t.noRates : undefined}
      onSave={async (rate) => {
        if (rate === 'off') await api.call('endWatch', { id });
        else await api.call('setWatch', { id, json: { falseAcceptRate: Number(rate) } });
        await onChange();
      }}
    />
  );
}

interface SettingProps<Value extends string> {
  words: Messages['groups']['settings']['keeping'];
  set: UseQueryResult<Value>;
  options: readonly (readonly [value: Value, label: string])[];
  mayChange: boolean;
  /** What else there is to know now. */
  note?: string | undefined;
  onSave: (value: Value) => Promise<void>;
}

/** What is set, what that does, and what it needs the consent of members for; saved by a button, not in passing. */
function Setting<Value extends string>({
  words,
  set,
  options,
  mayChange,
  note,
  onSave,
}: SettingProps<Value>): ReactNode {
  const t = useMessages().groups.settings;
  const common = useMessages().common;
  const { tell, tellError } = useToast();
  const [chosen, setChosen] = useState<Value | null>(null);
  const save = useMutation({
    mutationFn: onSave,
    onSuccess: () => {
      setChosen(null);
      tell(t.saved);
    },
    onError: tellError,
  });
  const now = set.data;
  const shown = chosen ?? now;
  return (
    <section className={css['setting']}>
      <h3>{words.title}</h3>
      <p>{words.does}</p>
      <p className="muted">{words.consent}</p>
      {note !== undefined && <Notice tone="info">{note}</Notice>}
      {set.isPending && <Loading />}
      {set.isError && <Failure error={set.error} onRetry={() => void set.refetch()} />}
      {shown !== undefined &&
        (mayChange ? (
          <form
            className={layout['row']}
            onSubmit={(event) => {
              event.preventDefault();
              if (!save.isPending && shown !== now) save.mutate(shown);
            }}
          >
            <Select compact label={words.title} value={shown} options={options} onChange={setChosen} />
            <Button type="submit" busy={save.isPending} disabled={shown === now} aria-label={t.save(words.title)}>
              {common.save}
            </Button>
          </form>
        ) : (
          <p>
            <Badge>{options.find(([value]) => value === shown)?.[1]}</Badge>
          </p>
        ))}
    </section>
  );
}
