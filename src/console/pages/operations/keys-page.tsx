import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { KeyRound } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import type { Answer } from '../../../client/index.js';
import { useAccess, useApi, useSession, type Scope } from '../../api/context.js';
import { useErrorText } from '../../i18n/errors.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Checkbox, TextField } from '../../ui/field.js';
import { FormDialog } from '../../ui/form-dialog.js';
import { Loading } from '../../ui/loading.js';
import { Notice, type Tone } from '../../ui/notice.js';
import { useToast } from '../../ui/toast.js';
import { Table } from '../../ui/table.js';
import { ShownOnce } from './shown-once.js';
import layout from '../../styles/layout.module.css';
import css from './operations.module.css';

type Key = Answer<'listKeys'>['keys'][number];

const SCOPES: readonly Scope[] = ['read', 'enrol', 'admin', 'vectors'];
const TONES: Record<Key['status'], Tone> = { active: 'good', expired: 'warn', revoked: 'info', altered: 'bad' };
const MOST_DAYS = 36_500;
/** Of one page; who has more binds keys with the command. */
const MOST_GROUPS = 200;

export function KeysPage(): ReactNode {
  const t = useMessages().operations.keys;
  const api = useApi();
  const textOf = useErrorText();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  const list = useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => api.call('listKeys', {}, { signal }) });
  if (list.isPending) return <Loading />;
  if (list.error) return <Notice tone="bad">{textOf(list.error)}</Notice>;
  return (
    <Card
      title={t.title}
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          <KeyRound aria-hidden /> {t.create}
        </Button>
      }
    >
      <Table
        caption={t.title}
        columns={[
          t.name,
          t.id,
          t.scopes,
          t.sees,
          t.status,
          t.used,
          t.expires,
          <span key="act" className="visually-hidden">
            {t.revoke}
          </span>,
        ]}
      >
        {list.data.keys.map((key) => (
          <KeyRow key={key.id} of={key} onRevoke={() => setRevoking(key)} />
        ))}
      </Table>
      {creating && <CreateDialog onClose={() => setCreating(false)} />}
      <RevokeDialog of={revoking} onClose={() => setRevoking(null)} />
    </Card>
  );
}

function KeyRow({ of, onRevoke }: { of: Key; onRevoke: () => void }): ReactNode {
  const t = useMessages().operations.keys;
  const format = useFormat();
  const { keyId } = useAccess();
  const { id, name, scopes, groups, status, lastUsedOn, expiresAt } = of;
  return (
    <tr>
      <th scope="row" className={css['wide']}>
        <bdi>{name}</bdi> {id === keyId && <Badge>{t.own}</Badge>}
      </th>
      <td className="mono">{id}</td>
      <td>{scopes.join(', ')}</td>
      <td className={css['long']}>{groups === null ? t.everybody : groups.join(', ')}</td>
      <td>
        <Badge tone={TONES[status]}>{t.statuses[status]}</Badge>
      </td>
      <td className={css['nowrap']}>{lastUsedOn === null ? t.unused : format.date(lastUsedOn)}</td>
      <td className={css['nowrap']}>{expiresAt === null ? t.never : format.date(expiresAt)}</td>
      <td>
        {status !== 'revoked' && (
          <Button kind="danger" aria-label={`${t.revoke}: ${name}`} onClick={onRevoke}>
            {t.revoke}
          </Button>
        )}
      </td>
    </tr>
  );
}

function CreateDialog({ onClose }: { onClose: () => void }): ReactNode {
  const t = useMessages();
  const k = t.operations.keys;
  const api = useApi();
  const { may } = useAccess();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly Scope[]>(['read']);
  const [bound, setBound] = useState<readonly string[]>([]);
  const [days, setDays] = useState('');
  const groups = useQuery({
    queryKey: ['groups', 'of keys'],
    queryFn: ({ signal }) => api.call('listGroups', { limit: MOST_GROUPS }, { signal }),
  });
  const create = useMutation({
    // Kept by nobody but this dialog: not even in the cache of answers, once it is closed.
    gcTime: 0,
    mutationFn: () =>
      api.call('createKey', {
        json: {
          name,
          scopes: [...scopes],
          ...(bound.length > 0 && { groups: [...bound] }),
          ...(days.trim() !== '' && { days: Number(days) }),
        },
      }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['keys'] }),
  });
  const daysWrong = days.trim() !== '' && !(Number(days) > 0 && Number(days) <= MOST_DAYS);
  if (create.data) {
    return (
      <ShownOnce title={k.made} description={k.madeText} label={k.key} secret={create.data.key} onClose={onClose} />
    );
  }
  return (
    <FormDialog
      onClose={onClose}
      title={k.create}
      action={k.create}
      incomplete={name.trim() === '' || scopes.length === 0 || daysWrong}
      busy={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
    >
      <TextField label={k.name} hint={k.nameHint} dir="auto" maxLength={100} required value={name} onChange={setName} />
      <fieldset className={css['group']}>
        <legend>{k.scopes}</legend>
        {SCOPES.map((scope) => (
          <Checkbox
            key={scope}
            label={scope}
            hint={may(scope) ? k.scopeTexts[scope] : `${k.scopeTexts[scope]}. ${k.notYours}`}
            disabled={!may(scope)}
            checked={scopes.includes(scope)}
            onChange={(on) => setScopes(toggled(scopes, scope, on))}
          />
        ))}
        {scopes.length === 0 && <p role="alert">{k.scopesMissing}</p>}
      </fieldset>
      <fieldset className={css['group']}>
        <legend>{k.groups}</legend>
        <p className={layout['fine']}>{groups.data?.groups.length === 0 ? k.noGroups : k.groupsHint}</p>
        <div className={css['choices']}>
          {groups.data?.groups.map(({ id }) => (
            <Checkbox
              key={id}
              label={id}
              checked={bound.includes(id)}
              onChange={(on) => setBound(toggled(bound, id, on))}
            />
          ))}
        </div>
      </fieldset>
      <TextField
        label={k.days}
        hint={k.daysHint}
        inputMode="decimal"
        error={daysWrong ? k.daysWrong : undefined}
        value={days}
        onChange={setDays}
      />
    </FormDialog>
  );
}

function RevokeDialog({ of, onClose }: { of: Key | null; onClose: () => void }): ReactNode {
  const t = useMessages().operations.keys;
  const api = useApi();
  const { keyId } = useAccess();
  const [session] = useSession();
  const queries = useQueryClient();
  const { tell } = useToast();
  const own = of !== null && of.id === keyId;
  const revoke = async (): Promise<void> => {
    if (!of) return;
    await api.call('revokeKey', { id: of.id });
    tell(t.revoked);
    if (own) session.leave('ended');
    else await queries.invalidateQueries({ queryKey: ['keys'] });
  };
  return (
    <Confirm
      open={of !== null}
      onClose={onClose}
      title={t.revokeTitle(of?.name ?? '')}
      description={own ? `${t.revokeText} ${t.revokeOwn}` : t.revokeText}
      action={t.revoke}
      danger
      onConfirm={revoke}
    />
  );
}

function toggled<T>(list: readonly T[], one: T, on: boolean): readonly T[] {
  return on ? [...list, one] : list.filter((other) => other !== one);
}
