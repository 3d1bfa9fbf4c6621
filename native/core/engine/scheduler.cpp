#include "engine/scheduler.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <variant>

#include "audio/limits.h"
#include "engine/converse.h"
#include "engine/guarded.h"
#include "engine/stages.h"

namespace timbre {

namespace {

void add(Timings& sum, const Timings& one) {
  sum.queue += one.queue;
  sum.decode += one.decode;
  sum.resample += one.resample;
  sum.speech += one.speech;
  sum.features += one.features;
  sum.model += one.model;
  sum.total += one.total;
}

/// Utterances that are embedded together at most.
constexpr std::size_t kMostTogether = 16;

/// Bytes, and samples, of a recording that is decoded in a moment.
constexpr std::uint64_t kSmallBytes = std::uint64_t{256} << 10U;
constexpr std::size_t kSmallSamples = std::size_t{1} << 18U;

/// Whether a recording is decoded in a moment; a file that cannot be looked at says why when it is decoded.
bool is_small(const AudioSource& source) {
  if (const auto* audio = std::get_if<AudioSamples>(&source)) return audio->samples.size() <= kSmallSamples;
  if (const auto* bytes = std::get_if<AudioBytes>(&source)) return bytes->bytes.size() <= kSmallBytes;
  struct stat about {};
  const auto* file = std::get_if<AudioFile>(&source);
  const int looked =
      file ? ::fstat(file->descriptor->get(), &about) : ::stat(std::get<AudioPath>(source).path.c_str(), &about);
  return looked == 0 && static_cast<std::uint64_t>(about.st_size) <= kSmallBytes;
}

bool stopped_by_caller(ErrorCode code) {
  return code == ErrorCode::ABORTED || code == ErrorCode::DEADLINE_EXCEEDED || code == ErrorCode::ENGINE_CLOSED;
}

Error closed_error() noexcept {
  return plain_error(ErrorCode::ENGINE_CLOSED, "the encoder is closed; load another one");
}

/// The callbacks that the current thread is in the middle of, innermost first; each lies on the stack.
struct RunningCallback {
  const Scheduler* scheduler;
  const RunningCallback* outer;
};
thread_local const RunningCallback* innermost_callback = nullptr;

}  // namespace

Scheduler::Scheduler(std::unique_ptr<const bundle::Model> model, std::unique_ptr<const FrontEnd> front_end,
                     const EngineOptions& options)
    : model_(std::move(model)),
      front_end_(std::move(front_end)),
      options_(options),
      admission_(std::make_shared<Admission>(options.admission)) {}

Result<Admission::Place> Scheduler::admit(const Engine::Announced& recording) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_error();
  }
  const AudioLimits& limits = options_.limits;
  if (recording.encoded && recording.bytes > limits.max_bytes) {
    return too_large("the recording", recording.bytes, limits);
  }
  if (recording.seconds > limits.max_seconds) return too_long("the recording", recording.seconds, limits);
  return admission_->admit(recording.bytes);
}

Result<Engine::JobId> Scheduler::submit(Admission::Place place, EmbedRequest request, Engine::Callback done) {
  return enqueue(std::make_shared<Job>(++last_id_, std::move(place), std::move(request), std::move(done)));
}

Result<Engine::JobId> Scheduler::submit(Admission::Place place, ConversationRequest request,
                                        Engine::ConversationCallback done) {
  return enqueue(std::make_shared<Job>(++last_id_, std::move(place), std::move(request), std::move(done)));
}

Result<Engine::JobId> Scheduler::enqueue(JobPtr job) {
  // Everything that may fail comes before anything changes.
  const Engine::JobId id = job->id;
  Queue waits;
  waits.push_back(job);
  std::map<Engine::JobId, JobPtr> known;
  known.emplace(id, job);
  Deadlines due;
  if (const auto deadline = job->interrupt.deadline()) due.emplace(*deadline, id);

  const std::lock_guard lock(mutex_);
  if (closed_) return closed_error();
  if (!due.empty() && (deadlines_.empty() || *due.begin() < *deadlines_.begin())) deadline_changed_.notify_one();
  deadlines_.merge(due);
  jobs_.merge(known);
  job->in_queue = waits.begin();
  queue_.splice(queue_.end(), waits);
  ++stats_.submitted;
  job_waits_.notify_one();
  return id;
}

bool Scheduler::cancel(Engine::JobId id) {
  JobPtr waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return false;
    found->second->interrupt.cancel();
    waiting = unqueue(found->second);
  }
  admission_->wake();
  if (waiting) finish(waiting, Result<EmbedResult>(*waiting->interrupt.check()));
  return true;
}

void Scheduler::stop(std::optional<Clock::time_point> drain) noexcept {
  Queue dropped;
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    // A callback holds up the thread that would have to finish the jobs.
    if (drain && !in_callback()) job_ended_.wait_until(lock, *drain, [this] { return jobs_.empty(); });
    for (const auto& [id, job] : jobs_) job->interrupt.cancel(ErrorCode::ENGINE_CLOSED);
    dropped.swap(queue_);
    for (const JobPtr& job : dropped) job->in_queue.reset();
    deadlines_.clear();
    stopping_ = true;
    job_waits_.notify_all();
    deadline_changed_.notify_all();
  }
  admission_->wake();
  for (const JobPtr& job : dropped) finish(job, Result<EmbedResult>(*job->interrupt.check()));
}

bool Scheduler::in_callback() const noexcept {
  for (const RunningCallback* one = innermost_callback; one; one = one->outer) {
    if (one->scheduler == this) return true;
  }
  return false;
}

void Scheduler::wait_for_callbacks() noexcept {
  std::unique_lock lock(mutex_);
  job_ended_.wait(lock, [this] { return jobs_.empty() && callbacks_ == 0; });
}

EngineStats Scheduler::stats() const {
  const std::lock_guard lock(mutex_);
  EngineStats stats = stats_;
  stats.queued = queue_.size();
  stats.running = jobs_.size() - queue_.size();
  stats.admission = admission_->use();
  return stats;
}

void Scheduler::expect_workers(std::size_t count) noexcept {
  const std::lock_guard lock(mutex_);
  workers_left_ = count;
  prepared_waits_.notify_all();
}

void Scheduler::work() noexcept {
  Worker worker{Batcher(*model_, kMostTogether), std::nullopt, {}};
  for (;;) {
    const Taken taken = take();
    if (taken.shared) {
      help(*taken.shared);
      continue;
    }
    const JobPtr& job = taken.job;
    if (!job) break;
    if (job->conversation) {
      job->timings.queue = seconds_since(job->admitted);
      finish(job, guarded([&] { return converse(*job, worker.decoder); }));
    } else {
      embed(job, worker);
    }
  }
  const std::lock_guard lock(mutex_);
  --workers_left_;
  prepared_waits_.notify_all();
}

Result<ConversationResult> Scheduler::converse(Job& job, std::optional<ContainedDecoder>& decoder) {
  if (auto stopped = job.interrupt.check()) return *std::move(stopped);
  return timbre::converse(job, *front_end_, *model_, options_, decoder_of(decoder), share_);
}

/// A worker's decoder; none where it decodes itself.
ContainedDecoder* Scheduler::decoder_of(std::optional<ContainedDecoder>& decoder) const {
  if (options_.isolation != Isolation::kProcess) return nullptr;
  if (!decoder) decoder.emplace(options_.limits, model_->manifest().front_end.sample_rate);
  return &*decoder;
}

/// Runs a job's own work together with the workers that have nothing else to do.
Status Scheduler::share(std::size_t count, const std::function<Status(std::size_t)>& body) {
  SharedWork work(count, body);
  std::list<SharedWork*> one{&work};
  {
    const std::lock_guard lock(mutex_);
    shared_.splice(shared_.end(), one);
    job_waits_.notify_all();
  }
  while (work.run_next()) {
  }
  std::unique_lock lock(mutex_);
  shared_.remove(&work);
  work.wait_for_helpers(lock);
  return work.outcome();
}

/// A part of another job's work. Jobs that have come meanwhile are looked at before the next part.
void Scheduler::help(SharedWork& work) noexcept {
  work.run_next();
  const std::lock_guard lock(mutex_);
  work.helper_leaves();
}

/// Embeds a job, and short ones that wait together with it where that is faster.
void Scheduler::embed(JobPtr job, Worker& worker) noexcept {
  for (; job; job = take_along(worker.together)) {
    job->timings.queue = seconds_since(job->admitted);
    Status prepared = guarded([&] { return prepare(job, worker); });
    if (!prepared) finish(job, Result<EmbedResult>(std::move(prepared).error()));
  }
  run_all(worker.together, worker.batcher, share_);
}

/// Puts a job to those that are embedded together, or hands its features over to the device's thread.
Status Scheduler::prepare(const JobPtr& job, Worker& worker) {
  const auto embed_the_others = [&] { run_all(worker.together, worker.batcher, share_); };
  if (auto stopped = job->interrupt.check()) return *std::move(stopped);
  // What takes long by itself keeps nobody waiting.
  if (!worker.together.empty() && !is_small(job->request.source)) embed_the_others();
  auto samples = hear(*job, stages_, decoder_of(worker.decoder));
  if (!samples) return std::move(samples).error();
  if (front_end_->frames(samples.value().size()) > model_->frames_together()) embed_the_others();
  if (auto listened = listen(*job, samples.value(), stages_); !listened) return listened;
  const std::uint64_t bytes = working_bytes(samples.value(), stages_);
  if (worker.together.empty() || !job->place.try_reserve_working(bytes)) {
    embed_the_others();
    const auto asked = Clock::now();
    if (auto reserved = job->place.reserve_working(bytes, job->interrupt); !reserved) return reserved;
    job->timings.queue += seconds_since(asked);
  }
  auto features = features_of(*job, samples.value(), stages_);
  if (!features) return std::move(features).error();
  if (auto stopped = job->interrupt.check()) return *std::move(stopped);
  if (model_->batches()) {
    hand_over(job, std::move(features).value());
  } else {
    worker.together.push_back({job, std::move(features).value()});
  }
  return ok();
}

/// The next job of the queue, where there is room for a short one beside those.
JobPtr Scheduler::take_along(const std::list<Prepared>& together) noexcept {
  if (together.empty() || together.size() == kMostTogether) return nullptr;
  std::size_t frames = model_->manifest().shortest_frames;
  for (const Prepared& one : together) frames += one.features.rows;
  if (frames > model_->frames_together()) return nullptr;
  const std::lock_guard lock(mutex_);
  if (stopping_ || queue_.empty() || queue_.front()->conversation) return nullptr;
  return unqueue(JobPtr(queue_.front()));
}

void Scheduler::run_device() noexcept {
  Batcher batcher(*model_, options_.max_batch);
  for (;;) {
    std::list<Prepared> batch = take_batch(batcher.capacity());
    if (batch.empty()) return;
    run_all(batch, batcher);
  }
}

/// Embeds and finishes all of them.
void Scheduler::run_all(std::list<Prepared>& batch, Batcher& batcher, const ForEach& for_each) noexcept {
  const Status ran = guarded([&] {
    run_batch(batch, batcher, for_each);
    return ok();
  });
  // Nothing is left of a batch that ran.
  for (const Prepared& unfinished : batch) finish(unfinished.job, Result<EmbedResult>(copy_of(ran.error())));
  batch.clear();
}

/// Takes out of the batch what it finishes.
void Scheduler::run_batch(std::list<Prepared>& batch, Batcher& batcher, const ForEach& for_each) {
  for (auto one = batch.begin(); one != batch.end();) {
    if (auto stopped = one->job->interrupt.check()) {
      finish(one->job, Result<EmbedResult>(*std::move(stopped)));
      one = batch.erase(one);
    } else {
      ++one;
    }
  }
  if (batch.empty()) return;
  std::vector<Prepared*> members;
  for (Prepared& one : batch) members.push_back(&one);
  auto embeddings = run_model(members, batcher, for_each);
  for (auto& embedding : embeddings) {
    const JobPtr job = batch.front().job;
    auto result = guarded([&]() -> Result<EmbedResult> {
      if (!embedding) return std::move(embedding).error();
      return result_of(*job, std::move(embedding).value());
    });
    batch.pop_front();
    finish(job, std::move(result));
  }
}

std::vector<Result<bundle::Embedding>> Scheduler::run_model(std::span<Prepared* const> batch, Batcher& batcher,
                                                            const ForEach& for_each) {
  std::uint64_t forward_calls = 0;
  auto results = batcher.run(batch, forward_calls, for_each);
  const std::lock_guard lock(mutex_);
  stats_.batches += forward_calls;
  return results;
}

void Scheduler::watch_deadlines() noexcept {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (deadlines_.empty()) {
      deadline_changed_.wait(lock);
      continue;
    }
    const auto [deadline, id] = *deadlines_.begin();
    if (Clock::now() < deadline) {
      deadline_changed_.wait_until(lock, deadline);
      continue;
    }
    const JobPtr late = unqueue(jobs_.find(id)->second);
    lock.unlock();
    finish(late, Result<EmbedResult>(*late->interrupt.check()));
    lock.lock();
  }
}

/// Takes a job out of the queue; none when it has left it already. Under the lock.
JobPtr Scheduler::unqueue(const JobPtr& job) noexcept {
  if (!job->in_queue) return nullptr;
  JobPtr taken = job;
  queue_.erase(*job->in_queue);
  left_queue(*taken);
  return taken;
}

/// Under the lock.
void Scheduler::left_queue(Job& job) noexcept {
  job.in_queue.reset();
  job.place.release_slot();
  if (const auto deadline = job.interrupt.deadline()) deadlines_.erase({*deadline, job.id});
}

Scheduler::Taken Scheduler::take() noexcept {
  std::unique_lock lock(mutex_);
  SharedWork* shared = nullptr;
  job_waits_.wait(lock, [&] {
    const auto open = std::ranges::find_if(shared_, [](const SharedWork* work) { return work->has_more(); });
    shared = open == shared_.end() ? nullptr : *open;
    return stopping_ || !queue_.empty() || shared;
  });
  if (!queue_.empty()) return {unqueue(JobPtr(queue_.front())), nullptr};
  if (!shared || stopping_) return {};
  shared->helper_comes();
  return {nullptr, shared};
}

void Scheduler::hand_over(JobPtr job, Matrix features) {
  std::list<Prepared> one;
  one.push_back({std::move(job), std::move(features)});
  std::unique_lock lock(mutex_);
  prepared_taken_.wait(lock, [this] { return prepared_.size() < 2 * options_.max_batch; });
  prepared_.splice(prepared_.end(), one);
  prepared_waits_.notify_one();
}

/// At least one and at most `most`; none when nothing will come any more.
std::list<Prepared> Scheduler::take_batch(std::size_t most) noexcept {
  std::unique_lock lock(mutex_);
  prepared_waits_.wait(lock, [this] { return !prepared_.empty() || workers_left_ == 0; });
  std::list<Prepared> batch;
  if (prepared_.empty()) return batch;
  // Utterances of like length pad each other least; the oldest is always among those taken.
  const std::size_t oldest_rows = prepared_.front().features.rows;
  const auto distance = [oldest_rows](const Prepared& p) {
    return p.features.rows > oldest_rows ? p.features.rows - oldest_rows : oldest_rows - p.features.rows;
  };
  prepared_.sort([&](const Prepared& a, const Prepared& b) { return distance(a) < distance(b); });
  batch.splice(batch.end(), prepared_, prepared_.begin(),
               std::next(prepared_.begin(), static_cast<std::ptrdiff_t>(std::min(most, prepared_.size()))));
  // Those left wait in the order they were admitted.
  prepared_.sort([](const Prepared& a, const Prepared& b) { return a.job->id < b.job->id; });
  prepared_taken_.notify_all();
  return batch;
}

void Scheduler::finish(const JobPtr& job, Result<EmbedResult> result) noexcept {
  if (!job->conversation) return settle(job, job->done, std::move(result));
  finish(job, Result<ConversationResult>(std::move(result).error()));
}

void Scheduler::finish(const JobPtr& job, Result<ConversationResult> result) noexcept {
  settle(job, job->conversation->done, std::move(result));
}

/// Counts a job out, gives its room back and calls it back.
template <typename T>
void Scheduler::settle(const JobPtr& job, std::function<void(Result<T>)>& callback, Result<T> result) noexcept {
  job->place.release();
  std::function<void(Result<T>)> done;
  {
    const std::lock_guard lock(mutex_);
    done = std::move(callback);
    jobs_.erase(job->id);
    ++callbacks_;
    if (result) {
      ++stats_.completed;
      stats_.audio_seconds += result.value().audio.seconds;
      add(stats_.seconds, result.value().timings);
    } else if (stopped_by_caller(result.error().code)) {
      ++stats_.aborted;
    } else {
      ++stats_.failed;
    }
  }
  const RunningCallback running{this, innermost_callback};
  innermost_callback = &running;
  done(std::move(result));
  done = nullptr;  // what it holds may be the engine
  innermost_callback = running.outer;
  const std::lock_guard lock(mutex_);
  --callbacks_;
  job_ended_.notify_all();
}

}  // namespace timbre
