#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/batcher.h"
#include "engine/stages.h"
#include "engine/worker_thread.h"
#include "support/text.h"

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

bool stopped_by_caller(ErrorCode code) {
  return code == ErrorCode::ABORTED || code == ErrorCode::DEADLINE_EXCEEDED || code == ErrorCode::ENGINE_CLOSED;
}

Error closed_error() { return {ErrorCode::ENGINE_CLOSED, "the encoder is closed; load another one"}; }

/// Callbacks that the current thread is in the middle of, by the Works that made them.
thread_local std::vector<const void*> calling_back;

/// What the engine's threads share. They own it together with the engine, so that an engine may be destroyed from one
/// of its own callbacks.
///
/// On a CPU a worker takes one utterance through every stage. Where the model batches, workers stop at the features
/// and one more thread runs the model on whatever has gathered meanwhile: batches form as late as possible, without a
/// timer.
///
/// Every admitted job is in `jobs_` until it is called back. It is called back by whoever took it out of `queue_`, or
/// by the thread that works on it: exactly once.
class Works {
 public:
  Works(std::unique_ptr<const bundle::Model> model, std::unique_ptr<const FrontEnd> front_end,
        const EngineOptions& options)
      : model_(std::move(model)), front_end_(std::move(front_end)), options_(options) {}

  Result<Engine::JobId> submit(EmbedRequest request, Engine::Callback done) {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_error();
    if (queue_.size() >= options_.queue_limit) {
      ++stats_.rejected;
      return Error{ErrorCode::OVERLOADED, "the queue is full (" + std::to_string(options_.queue_limit) +
                                              " utterances wait); try again later or raise queueLimit"};
    }
    const Engine::JobId id = ++last_id_;
    auto job = std::make_shared<Job>(id, std::move(request), std::move(done));
    jobs_.emplace(id, job);
    if (const auto deadline = job->interrupt.deadline()) {
      if (deadlines_.empty() || *deadline < deadlines_.begin()->first) deadline_changed_.notify_one();
      deadlines_.emplace(*deadline, id);
    }
    queue_.push_back(std::move(job));
    ++stats_.submitted;
    job_waits_.notify_one();
    return id;
  }

  bool cancel(Engine::JobId id) {
    JobPtr waiting;
    {
      const std::lock_guard lock(mutex_);
      const auto found = jobs_.find(id);
      if (found == jobs_.end()) return false;
      found->second->interrupt.cancel();
      waiting = unqueue(found->second);
    }
    if (waiting) finish(*waiting, *waiting->interrupt.check());
    return true;
  }

  /// Ends admission, waits for the queue to empty until `drain`, fails what is left of it and lets the threads end.
  void stop(std::optional<Clock::time_point> drain) {
    std::deque<JobPtr> dropped;
    {
      std::unique_lock lock(mutex_);
      closed_ = true;
      // A callback holds up the thread that would have to empty the queue.
      if (drain && !in_callback()) queue_empty_.wait_until(lock, *drain, [this] { return queue_.empty(); });
      dropped.swap(queue_);
      deadlines_.clear();
      stopping_ = true;
      job_waits_.notify_all();
      queue_empty_.notify_all();
      deadline_changed_.notify_all();
    }
    for (const JobPtr& job : dropped) finish(*job, closed_error());
  }

  /// Whether the calling thread is in a callback of these works.
  bool in_callback() const { return std::count(calling_back.begin(), calling_back.end(), this) > 0; }

  /// Waits until every job has been called back, by whatever thread.
  void wait_for_callbacks() {
    std::unique_lock lock(mutex_);
    callback_returned_.wait(lock, [this] { return jobs_.empty() && callbacks_ == 0; });
  }

  EngineStats stats() const {
    const std::lock_guard lock(mutex_);
    EngineStats stats = stats_;
    stats.queued = queue_.size();
    stats.running = jobs_.size() - queue_.size();
    return stats;
  }

  const bundle::Model& model() const { return *model_; }
  const EngineOptions& options() const { return options_; }

  /// Counts the workers that will call work(), before the first does.
  void expect_workers(std::size_t count) {
    const std::lock_guard lock(mutex_);
    workers_left_ = count;
    prepared_waits_.notify_all();
  }

  /// A worker's life.
  void work() {
    while (const JobPtr job = take()) {
      job->timings.queue = seconds_since(job->admitted);
      if (auto stopped = job->interrupt.check()) {
        finish(*job, *stopped);
        continue;
      }
      auto features =
          guarded([&] { return prepare(*job, *front_end_, *detector_, model_->manifest(), options_.limits); });
      if (!features) {
        finish(*job, std::move(features).error());
      } else if (auto stopped = job->interrupt.check()) {
        finish(*job, *stopped);
      } else if (model_->batches()) {
        hand_over({job, std::move(features).value()});
      } else {
        std::vector<Prepared> one;
        one.push_back({job, std::move(features).value()});
        Batcher alone(*model_, 1);
        run_model(one, alone);
      }
    }
    const std::lock_guard lock(mutex_);
    --workers_left_;
    prepared_waits_.notify_all();
  }

  /// The life of the thread that runs a batching model.
  void run_device() {
    Batcher batcher(*model_, options_.max_batch);
    for (;;) {
      std::vector<Prepared> batch = take_batch(batcher.capacity());
      if (batch.empty()) return;
      std::vector<Prepared> alive;
      for (Prepared& prepared : batch) {
        if (auto stopped = prepared.job->interrupt.check()) {
          finish(*prepared.job, *stopped);
        } else {
          alive.push_back(std::move(prepared));
        }
      }
      if (!alive.empty()) run_model(alive, batcher);
    }
  }

  /// The life of the thread that answers queued jobs whose deadline passes while every worker is busy.
  void watch_deadlines() {
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
      const JobPtr late = unqueue(jobs_.at(id));
      lock.unlock();
      finish(*late, *late->interrupt.check());
      lock.lock();
    }
  }

 private:
  /// Takes a job out of the queue; none when it has left it already. Under the lock.
  JobPtr unqueue(const JobPtr& job) {
    const auto place = std::find(queue_.begin(), queue_.end(), job);
    if (place == queue_.end()) return nullptr;
    JobPtr taken = std::move(*place);
    queue_.erase(place);
    left_queue(*taken);
    return taken;
  }

  /// Under the lock.
  void left_queue(const Job& job) {
    if (const auto deadline = job.interrupt.deadline()) deadlines_.erase({*deadline, job.id});
    if (queue_.empty()) queue_empty_.notify_all();
  }

  /// The next job, or none when the engine stops.
  JobPtr take() {
    std::unique_lock lock(mutex_);
    job_waits_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return nullptr;
    JobPtr job = std::move(queue_.front());
    queue_.pop_front();
    left_queue(*job);
    return job;
  }

  void hand_over(Prepared prepared) {
    std::unique_lock lock(mutex_);
    prepared_taken_.wait(lock, [this] { return prepared_.size() < 2 * options_.max_batch; });
    prepared_.push_back(std::move(prepared));
    prepared_waits_.notify_one();
  }

  /// At least one and at most `most`; none when nothing will come any more.
  std::vector<Prepared> take_batch(std::size_t most) {
    std::unique_lock lock(mutex_);
    prepared_waits_.wait(lock, [this] { return !prepared_.empty() || workers_left_ == 0; });
    std::vector<Prepared> batch;
    if (prepared_.empty()) return batch;
    // Utterances of like length pad each other least; the oldest is always among those taken.
    const std::size_t oldest_rows = prepared_.front().features.rows;
    const auto distance = [oldest_rows](const Prepared& p) {
      return p.features.rows > oldest_rows ? p.features.rows - oldest_rows : oldest_rows - p.features.rows;
    };
    std::stable_sort(prepared_.begin() + 1, prepared_.end(),
                     [&](const Prepared& a, const Prepared& b) { return distance(a) < distance(b); });
    for (std::size_t i = std::min(most, prepared_.size()); i > 0; --i) {
      batch.push_back(std::move(prepared_.front()));
      prepared_.pop_front();
    }
    // Those left wait in the order they were admitted.
    std::sort(prepared_.begin(), prepared_.end(),
              [](const Prepared& a, const Prepared& b) { return a.job->id < b.job->id; });
    prepared_taken_.notify_all();
    return batch;
  }

  void run_model(std::vector<Prepared>& batch, Batcher& batcher) {
    std::uint64_t forward_calls = 0;
    auto results = batcher.run(batch, forward_calls);
    {
      const std::lock_guard lock(mutex_);
      stats_.batches += forward_calls;
    }
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].features = {};
      Job& job = *batch[i].job;
      if (!results[i]) {
        finish(job, std::move(results[i]).error());
        continue;
      }
      job.timings.total = seconds_since(job.admitted);
      finish(job, EmbedResult{std::move(results[i]).value(), job.audio, job.speech, job.timings});
    }
  }

  /// Counts a job out and calls it back.
  void finish(Job& job, Result<EmbedResult> result) {
    Engine::Callback done;
    {
      const std::lock_guard lock(mutex_);
      done = std::move(job.done);
      jobs_.erase(job.id);
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
    calling_back.push_back(this);
    done(std::move(result));
    done = nullptr;  // what it holds may be the engine
    calling_back.pop_back();
    const std::lock_guard lock(mutex_);
    --callbacks_;
    callback_returned_.notify_all();
  }

  const std::unique_ptr<const bundle::Model> model_;
  const std::unique_ptr<const FrontEnd> front_end_;
  const std::unique_ptr<const SpeechDetector> detector_ = silero_detector();
  const EngineOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable job_waits_;
  std::condition_variable queue_empty_;
  std::condition_variable deadline_changed_;
  std::condition_variable prepared_waits_;
  std::condition_variable prepared_taken_;
  std::condition_variable callback_returned_;
  std::deque<JobPtr> queue_;
  std::set<std::pair<Clock::time_point, Engine::JobId>> deadlines_;  ///< of those in queue_
  std::deque<Prepared> prepared_;
  std::unordered_map<Engine::JobId, JobPtr> jobs_;
  EngineStats stats_;
  Engine::JobId last_id_ = 0;
  std::size_t workers_left_ = 0;
  std::size_t callbacks_ = 0;  ///< running now
  bool closed_ = false;
  bool stopping_ = false;
};

class ThreadedEngine final : public Engine {
 public:
  explicit ThreadedEngine(std::shared_ptr<Works> works) : works_(std::move(works)) {}
  ThreadedEngine(const ThreadedEngine&) = delete;
  ThreadedEngine& operator=(const ThreadedEngine&) = delete;

  ~ThreadedEngine() override {
    close(std::nullopt);
    // Only a callback that destroys the engine finds threads that close() did not join, its own among them. They end by
    // themselves; what they use is theirs too.
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.detach();
    }
  }

  /// Errors: OVERLOADED when the system has no more threads.
  Status start() {
    const std::size_t workers = works_->options().workers;
    works_->expect_workers(workers);
    std::size_t started = 0;
    try {
      start_thread("timbre-clock", [](Works& works) { works.watch_deadlines(); });
      if (works_->model().batches()) start_thread("timbre-device", [](Works& works) { works.run_device(); });
      for (; started < workers; ++started) {
        start_thread("timbre-" + std::to_string(started), [](Works& works) { works.work(); });
      }
    } catch (const std::system_error& error) {
      works_->expect_workers(started);
      return Error{ErrorCode::OVERLOADED, std::string("the engine's threads could not be started (") + error.what() +
                                              "); use fewer workers or raise the limit (ulimit -u)"};
    }
    return ok();
  }

  Result<JobId> submit(EmbedRequest request, Callback done) override {
    return guarded([&] { return works_->submit(std::move(request), std::move(done)); });
  }

  bool cancel(JobId job) override { return works_->cancel(job); }

  void close(std::optional<Clock::time_point> drain) override {
    works_->stop(drain);
    // A callback cannot wait for the thread that it runs on: whoever closes last does.
    if (works_->in_callback()) return;
    {
      const std::lock_guard joining(join_mutex_);
      for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
      }
    }
    works_->wait_for_callbacks();
  }

  const bundle::Model& model() const override { return works_->model(); }
  const EngineOptions& options() const override { return works_->options(); }
  EngineStats stats() const override { return works_->stats(); }

 private:
  template <typename Life>
  void start_thread(std::string name, Life life) {
    threads_.push_back(start_worker(std::move(name), [works = works_, life] { life(*works); }));
  }

  const std::shared_ptr<Works> works_;
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;
};

std::optional<Error> invalid(const EngineOptions& options) {
  const auto refused = [](const char* option, double value, double low, double high) -> std::optional<Error> {
    if (value >= low && value <= high) return std::nullopt;
    return Error{ErrorCode::INVALID_ARGUMENT,
                 std::string(option) + " is " + text(value) + "; allowed is " + text(low) + " to " + text(high)};
  };
  const auto number = [](std::size_t value) { return static_cast<double>(value); };
  for (const auto& error :
       {refused("workers", number(options.workers), 1, 256), refused("queueLimit", number(options.queue_limit), 1, 1e6),
        refused("maxBatch", number(options.max_batch), 1, 1024),
        refused("limits.maxBytes", static_cast<double>(options.limits.max_bytes), 1, 1e12),
        refused("limits.maxSeconds", options.limits.max_seconds, 0.01, 86400)}) {
    if (error) return error;
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(std::unique_ptr<const bundle::Model> model,
                                               const EngineOptions& options) {
  if (auto error = invalid(options)) return *error;
  auto front_end = FrontEnd::create(model->manifest().front_end);
  if (!front_end) return std::move(front_end).error();
  auto engine = std::make_unique<ThreadedEngine>(
      std::make_shared<Works>(std::move(model), std::move(front_end).value(), options));
  if (auto started = engine->start(); !started) return std::move(started).error();
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace timbre
