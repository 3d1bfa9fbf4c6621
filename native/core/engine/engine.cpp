#include "engine/engine.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
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
  sum.features += one.features;
  sum.model += one.model;
  sum.total += one.total;
}

bool stopped_by_caller(ErrorCode code) {
  return code == ErrorCode::ABORTED || code == ErrorCode::DEADLINE_EXCEEDED || code == ErrorCode::ENGINE_CLOSED;
}

Error closed_error() { return {ErrorCode::ENGINE_CLOSED, "the encoder is closed; load another one"}; }

/// On a CPU a worker takes one utterance through every stage. Where the model batches, workers stop at the features
/// and one more thread runs the model on whatever has gathered meanwhile: batches form as late as possible, without a
/// timer.
class ThreadedEngine final : public Engine {
 public:
  ThreadedEngine(std::unique_ptr<const Model> model, std::unique_ptr<const FrontEnd> front_end,
                 const EngineOptions& options)
      : model_(std::move(model)), front_end_(std::move(front_end)), options_(options) {
    for (std::size_t i = 0; i < options_.workers; ++i) {
      threads_.push_back(start_worker("timbre-" + std::to_string(i), [this] { work(); }));
    }
    if (model_->batches()) threads_.push_back(start_worker("timbre-device", [this] { run_device(); }));
  }

  ~ThreadedEngine() override { close(std::nullopt); }

  Result<JobId> submit(EmbedRequest request, Callback done) override {
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_error();
    if (queue_.size() >= options_.queue_limit) {
      ++stats_.rejected;
      return Error{ErrorCode::OVERLOADED, "the queue is full (" + std::to_string(options_.queue_limit) +
                                              " utterances wait); try again later or raise queueLimit"};
    }
    const JobId id = ++last_id_;
    auto job = std::make_shared<Job>(id, std::move(request), std::move(done));
    jobs_.emplace(id, job);
    queue_.push_back(std::move(job));
    ++stats_.submitted;
    changed_.notify_all();
    return id;
  }

  bool cancel(JobId id) override {
    JobPtr waiting;
    {
      const std::lock_guard lock(mutex_);
      const auto found = jobs_.find(id);
      if (found == jobs_.end()) return false;
      found->second->interrupt.cancel();
      const auto queued = std::find(queue_.begin(), queue_.end(), found->second);
      if (queued == queue_.end()) return true;
      waiting = *queued;
      queue_.erase(queued);
      changed_.notify_all();
    }
    finish(*waiting, *waiting->interrupt.check());
    return true;
  }

  void close(std::optional<Clock::time_point> drain) override {
    std::deque<JobPtr> dropped;
    {
      std::unique_lock lock(mutex_);
      closed_ = true;
      changed_.notify_all();
      if (drain) changed_.wait_until(lock, *drain, [this] { return queue_.empty(); });
      dropped.swap(queue_);
      stopping_ = true;
      changed_.notify_all();
    }
    for (const JobPtr& job : dropped) finish(*job, closed_error());
    // From a callback the threads cannot be waited for; whoever destroys the engine joins them.
    if (on_own_thread()) return;
    const std::lock_guard joining(join_mutex_);
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  const Model& model() const override { return *model_; }
  const EngineOptions& options() const override { return options_; }

  EngineStats stats() const override {
    const std::lock_guard lock(mutex_);
    EngineStats stats = stats_;
    stats.queued = queue_.size();
    stats.running = jobs_.size() - queue_.size();
    return stats;
  }

 private:
  bool on_own_thread() const {
    return std::any_of(threads_.begin(), threads_.end(),
                       [](const std::thread& thread) { return thread.get_id() == std::this_thread::get_id(); });
  }

  void work() {
    while (const JobPtr job = take()) {
      job->timings.queue = seconds_since(job->admitted);
      if (auto stop = job->interrupt.check()) {
        finish(*job, *stop);
        continue;
      }
      auto features =
          guarded([&] { return prepare(*job, *front_end_, model_->manifest(), options_.limits); });
      if (!features) {
        finish(*job, std::move(features).error());
      } else if (auto stop = job->interrupt.check()) {
        finish(*job, *stop);
      } else if (model_->batches()) {
        hand_over({job, std::move(features).value()});
      } else {
        std::vector<Prepared> one;
        one.push_back({job, std::move(features).value()});
        run_model(one, Batcher(*model_, 1));
      }
    }
    const std::lock_guard lock(mutex_);
    ++finished_workers_;
    changed_.notify_all();
  }

  /// The next job, or none when the engine stops.
  JobPtr take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return nullptr;
    JobPtr job = std::move(queue_.front());
    queue_.pop_front();
    if (closed_) changed_.notify_all();
    return job;
  }

  void hand_over(Prepared prepared) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return prepared_.size() < 2 * options_.max_batch; });
    prepared_.push_back(std::move(prepared));
    changed_.notify_all();
  }

  void run_device() {
    Batcher batcher(*model_, options_.max_batch);
    for (;;) {
      std::vector<Prepared> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !prepared_.empty() || finished_workers_ == options_.workers; });
        if (prepared_.empty()) return;
        // Utterances of like length pad each other least; the oldest is always among those taken.
        const std::size_t count = std::min(batcher.capacity(), prepared_.size());
        const std::size_t oldest_rows = prepared_.front().features.rows;
        const auto distance = [oldest_rows](const Prepared& p) {
          return p.features.rows > oldest_rows ? p.features.rows - oldest_rows : oldest_rows - p.features.rows;
        };
        std::stable_sort(prepared_.begin() + 1, prepared_.end(),
                         [&](const Prepared& a, const Prepared& b) { return distance(a) < distance(b); });
        for (std::size_t i = 0; i < count; ++i) {
          batch.push_back(std::move(prepared_.front()));
          prepared_.pop_front();
        }
        // Those left wait in the order they were admitted.
        std::sort(prepared_.begin(), prepared_.end(),
                  [](const Prepared& a, const Prepared& b) { return a.job->id < b.job->id; });
        changed_.notify_all();
      }
      std::vector<Prepared> alive;
      for (Prepared& prepared : batch) {
        if (auto stop = prepared.job->interrupt.check()) {
          finish(*prepared.job, *stop);
        } else {
          alive.push_back(std::move(prepared));
        }
      }
      if (!alive.empty()) run_model(alive, batcher);
    }
  }

  void run_model(std::vector<Prepared>& batch, Batcher&& batcher) { run_model(batch, batcher); }

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
      finish(job, EmbedResult{std::move(results[i]).value(), job.audio, job.timings});
    }
  }

  /// Counts a job out and calls it back, once.
  void finish(Job& job, Result<EmbedResult> result) {
    Callback done;
    {
      const std::lock_guard lock(mutex_);
      done = std::move(job.done);
      jobs_.erase(job.id);
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
    done(std::move(result));
  }

  const std::unique_ptr<const Model> model_;
  const std::unique_ptr<const FrontEnd> front_end_;
  const EngineOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<JobPtr> queue_;
  std::deque<Prepared> prepared_;
  std::unordered_map<JobId, JobPtr> jobs_;  ///< every job that has not been called back
  EngineStats stats_;
  JobId last_id_ = 0;
  std::size_t finished_workers_ = 0;
  bool closed_ = false;
  bool stopping_ = false;

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

Result<std::unique_ptr<Engine>> Engine::create(std::unique_ptr<const Model> model, const EngineOptions& options) {
  if (auto error = invalid(options)) return *error;
  auto front_end = FrontEnd::create(model->manifest().front_end);
  if (!front_end) return std::move(front_end).error();
  return std::unique_ptr<Engine>(
      std::make_unique<ThreadedEngine>(std::move(model), std::move(front_end).value(), options));
}

}  // namespace timbre
