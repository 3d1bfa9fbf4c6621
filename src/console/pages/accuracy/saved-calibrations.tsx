import { keepPreviousData, useMutation, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { TimbreError, type Answer, type Given } from '../../../client/index.js';
import { useAccess, useApi, useInfo } from '../../api/context.js';
import { useFormat, useMessages } from '../../i18n/index.js';
import { Badge } from '../../ui/badge.js';
import { Button } from '../../ui/button.js';
import { Card } from '../../ui/card.js';
import { Confirm } from '../../ui/confirm.js';
import { Failure } from '../../ui/failure.js';
import { Checkbox, TextField } from '../../ui/field.js';
import { FileDrop } from '../../ui/file-drop.js';
import { FormDialog } from '../../ui/form-dialog.js';
import { Loading } from '../../ui/loading.js';
import { Notice } from '../../ui/notice.js';
import { Pager, usePages } from '../../ui/pager.js';
import { Table } from '../../ui/table.js';
import { useToast } from '../../ui/toast.js';
import layout from '../../styles/layout.module.css';
import css from './accuracy.module.css';

type Page = Answer<'listCalibrations'>;
type Calibration = Page['calibrations'][number];
type Saved = Given<'saveCalibration'>['json'];

const CALIBRATIONS = ['calibrations'] as const;
const PAGE_SIZE = 20;
const LONGEST_NOTE = 500;
/** As the service takes them. */
const LARGEST = 1.25 * 1024 * 1024;
/** Rates of false accepts whose thresholds are shown. */
const SHOWN_RATES = [0.01, 0.001] as const;

/** A page of those that are saved, and what decides. */
function useCalibrations(cursor?: string): UseQueryResult<Page> {
  const api = useApi();
  return useQuery({
    queryKey: [...CALIBRATIONS, cursor],
    queryFn: ({ signal }) =>
      api.call('listCalibrations', { limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) }, { signal }),
    placeholderData: keepPreviousData,
  });
}

/** Calibrations that the service keeps, and which one decides. */
export function SavedCalibrations(): ReactNode {
  const t = useMessages().calibrations;
  const access = useAccess();
  const pages = usePages('');
  const [adding, setAdding] = useState(false);
  const list = useCalibrations(pages.cursor);
  const mayChange = access.may('admin');
  const calibrations = list.data?.calibrations ?? [];
  return (
    <Card
      title={t.title}
      actions={
        mayChange && (
          <Button onClick={() => setAdding(true)}>
            <Plus aria-hidden /> {t.add}
          </Button>
        )
      }
    >
      {list.isPending && <Loading />}
      {list.isError && <Failure error={list.error} onRetry={() => void list.refetch()} />}
      {list.data && <Standing page={list.data} mayChange={mayChange} />}
      {list.data && calibrations.length === 0 && <p className="muted">{t.none}</p>}
      {calibrations.length > 0 && list.data && (
        <Table
          caption={t.title}
          columns={[t.version, t.state, t.model, t.saved, t.learnedOn, ...SHOWN_RATES.map(t.thresholdAt), t.note, '']}
        >
          {calibrations.map((one) => (
            <CalibrationRow key={one.version} of={one} mayChange={mayChange} mayUse={list.data.fixedBy === null} />
          ))}
        </Table>
      )}
      {list.data && <Pager pages={pages} nextCursor={list.data.nextCursor} />}
      {adding && <AddDialog onClose={() => setAdding(false)} />}
    </Card>
  );
}

/** What decides, and the way back to the model's own. */
function Standing({ page, mayChange }: { page: Page; mayChange: boolean }): ReactNode {
  const t = useMessages().calibrations;
  const api = useApi();
  const { answers, fixedBy, setAside } = page;
  const back = useChange(() => api.call('useModelCalibration'), t.backDone);
  return (
    <>
      <div className={layout['row']}>
        <p>
          {t.decides} <strong>{answers ? t.answers[answers.from](answers.version ?? 0) : t.loading}</strong>
        </p>
        {mayChange && fixedBy === null && (answers?.from === 'saved' || setAside !== null) && (
          <Button busy={back.isPending} onClick={() => back.mutate()}>
            {t.back}
          </Button>
        )}
      </div>
      {fixedBy !== null && <Notice tone="info">{t.fixed(fixedBy)}</Notice>}
      {setAside !== null && <Notice tone="warn">{t.setAside(setAside)}</Notice>}
    </>
  );
}

function CalibrationRow({
  of,
  mayChange,
  mayUse,
}: {
  of: Calibration;
  mayChange: boolean;
  mayUse: boolean;
}): ReactNode {
  const t = useMessages().calibrations;
  const format = useFormat();
  const info = useInfo();
  const { version, model, createdAt, learnedOn, note, thresholds, inUse, readable } = of;
  const isOurs = model === info?.model?.name;
  return (
    <tr>
      <th scope="row" className="numeric">
        {version}
      </th>
      <td>
        {!readable ? (
          <Badge tone="bad">{t.states.unreadable}</Badge>
        ) : inUse ? (
          <Badge tone={isOurs ? 'good' : 'info'}>{isOurs ? t.states.inUse : t.states.otherModel}</Badge>
        ) : null}
      </td>
      <td>
        <bdi>{model}</bdi>
      </td>
      <td className={css['nowrap']}>
        <time dateTime={createdAt}>{format.date(createdAt)}</time>
      </td>
      <td>
        {learnedOn
          ? t.trials(
              format.plural(learnedOn.targets + learnedOn.impostors, ...t.trialCount),
              format.plural(learnedOn.speakers, ...t.people),
            )
          : '–'}
      </td>
      {SHOWN_RATES.map((rate) => (
        <td key={rate} className="numeric">
          <Threshold thresholds={thresholds} rate={rate} />
        </td>
      ))}
      <td>
        <bdi>{note}</bdi>
      </td>
      <td>{mayChange && <RowActions of={of} mayUse={mayUse && isOurs && readable} />}</td>
    </tr>
  );
}

/** A cosine where one is the threshold, else the evidence that is needed, as odds. */
function Threshold({ thresholds, rate }: Pick<Calibration, 'thresholds'> & { rate: number }): ReactNode {
  const format = useFormat();
  const found = thresholds.find(({ falseAcceptRate }) => falseAcceptRate === rate);
  if (!found) return '–';
  if (found.cosine !== null) return format.number(found.cosine, 3);
  return found.llr === null ? '–' : format.odds(found.llr);
}

function RowActions({ of: { version, inUse }, mayUse }: { of: Calibration; mayUse: boolean }): ReactNode {
  const t = useMessages().calibrations;
  const api = useApi();
  const queries = useQueryClient();
  const { tell } = useToast();
  const [removing, setRemoving] = useState(false);
  const use = useChange(() => api.call('useCalibration', { version }), t.used(version));
  if (inUse) return null;
  return (
    <span className={layout['row']}>
      {mayUse && (
        <Button kind="primary" aria-label={t.useOne(version)} busy={use.isPending} onClick={() => use.mutate()}>
          {t.use}
        </Button>
      )}
      <Button kind="plain" aria-label={t.removeOne(version)} onClick={() => setRemoving(true)}>
        {t.remove}
      </Button>
      <Confirm
        open={removing}
        onClose={() => setRemoving(false)}
        title={t.removeTitle(version)}
        description={t.removeHint}
        action={t.remove}
        danger
        onConfirm={async () => {
          await api.call('deleteCalibration', { version });
          tell(t.removed(version));
          await queries.invalidateQueries({ queryKey: CALIBRATIONS });
        }}
      />
    </span>
  );
}

function AddDialog({ onClose }: { onClose: () => void }): ReactNode {
  const t = useMessages().calibrations;
  const format = useFormat();
  const [file, setFile] = useState<File | null>(null);
  const tooLarge = file !== null && file.size > LARGEST;
  return (
    <CalibrationDialog
      title={t.add}
      description={t.addHint}
      from="file"
      content={async () => contentOf(await file!.text())}
      incomplete={file === null || tooLarge}
      onClose={onClose}
    >
      <FileDrop label={t.drop} choose={t.choose} hint="" accept=".json,application/json" file={file} onFile={setFile} />
      {tooLarge && <Notice tone="bad">{t.tooLarge(format.bytes(LARGEST))}</Notice>}
    </CalibrationDialog>
  );
}

interface CalibrationDialogProps {
  title: string;
  description: string;
  from: NonNullable<Saved['from']>;
  /** What is saved. */
  content: () => Promise<Saved['calibration']>;
  incomplete?: boolean;
  onClose: () => void;
  children?: ReactNode;
}

/** Saves a calibration as the next version, with a note, and puts it to use where that is wanted and may be. */
export function CalibrationDialog(props: CalibrationDialogProps): ReactNode {
  const { title, description, from, content, incomplete = false, onClose, children } = props;
  const t = useMessages().calibrations;
  const api = useApi();
  const mayUse = useCalibrations().data?.fixedBy === null;
  const [note, setNote] = useState('');
  const [use, setUse] = useState(false);
  const add = useChange(
    async () => {
      const calibration = await content();
      const given = note.trim();
      return api.call('saveCalibration', { json: { calibration, from, use, ...(given && { note: given }) } });
    },
    t.added,
    { onDone: onClose },
  );
  return (
    <FormDialog
      onClose={onClose}
      title={title}
      description={description}
      action={t.save}
      incomplete={incomplete}
      busy={add.isPending}
      error={add.error}
      onSubmit={() => add.mutate()}
    >
      {children}
      <TextField label={t.note} hint={t.noteHint} maxLength={LONGEST_NOTE} value={note} onChange={setNote} />
      {mayUse && <Checkbox label={t.useNow} checked={use} onChange={setUse} />}
    </FormDialog>
  );
}

/** Something that changes what is saved, or what decides: both are read anew, and what was done is told. */
function useChange<Result>(
  change: () => Promise<Result>,
  said: string,
  inDialog?: { onDone: () => void },
): { mutate: () => void; isPending: boolean; error: Error | null } {
  const queries = useQueryClient();
  const { tell, tellError } = useToast();
  const { mutate, isPending, error } = useMutation({
    mutationFn: change,
    onSuccess: async () => {
      await Promise.all([CALIBRATIONS, ['info']].map((queryKey) => queries.invalidateQueries({ queryKey })));
      tell(said);
      inDialog?.onDone();
    },
    // A dialog shows it itself.
    onError: (thrown: Error) => {
      if (!inDialog) tellError(thrown);
    },
  });
  return { mutate: () => mutate(), isPending, error };
}

/** Errors: INVALID_ARGUMENT. */
function contentOf(text: string): Record<string, unknown> {
  let content: unknown = null;
  try {
    content = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
    return content as Record<string, unknown>;
  }
  throw new TimbreError('INVALID_ARGUMENT', 'the file is no calibration; `timbre calibrate` writes one');
}
