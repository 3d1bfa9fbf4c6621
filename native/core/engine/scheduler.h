#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "engine/batcher.h"
#include "engine/job.h"
#include "engine/shared_work.h"
#include "engine/stages.h"

namespace timbre {

/// An engine's queue and what its threads do. The threads own it together with the engine, so that an engine may be
/// destroyed from one of its own callbacks.
///
/// On a CPU a worker takes one utterance through every stage; workers that have nothing else to do compute parts of its
/// network. Where a short one's network would take longer than it has to because nothing is computed beside it, further
/// short ones that wait are taken along. Where the model batches, workers stop at the features and one more thread runs
/// the model on whatever has gathered meanwhile: batches form as late as possible, without a timer.
///
/// Every admitted job is in `jobs_` until it is called back. It is called back by whoever took it out of `queue_`, or
/// by the thread that works on it: exactly once. Whatever must not fail (finishing a job, taking one, closing)
/// allocates nothing that it cannot do without.
class Scheduler {
 public:
  Scheduler(std::unique_ptr<const bundle::Model> model, std::unique_ptr<const FrontEnd> front_end,
            const EngineOptions& options);

  Result<Admission::Place> admit(const Engine::Announced& recording);
  bool has_room(std::uint64_t bytes) const { return admission_->has_room(bytes); }
  Result<Engine::JobId> submit(Admission::Place place, EmbedRequest request, Engine::Callback done);
  Result<Engine::JobId> submit(Admission::Place place, ConversationRequest request, Engine::ConversationCallback done);
  bool cancel(Engine::JobId id);

  /// Ends admission, waits for the jobs until `drain`, ends what is left of them and lets the threads end.
  void stop(std::optional<Clock::time_point> drain) noexcept;

  /// Whether the calling thread is in a callback of this scheduler's.
  bool in_callback() const noexcept;

  /// Waits until every job has been called back, by whatever thread.
  void wait_for_callbacks() noexcept;

  EngineStats stats() const;
  const bundle::Model& model() const { return *model_; }
  const EngineOptions& options() const { return options_; }

  /// Counts the workers that will call work(), before the first does.
  void expect_workers(std::size_t count) noexcept;

  /// A worker's life.
  void work() noexcept;

  /// The life of the thread that runs a batching model.
  void run_device() noexcept;

  /// The life of the thread that answers queued jobs whose deadline passes while every worker is busy.
  void watch_deadlines() noexcept;

 private:
  using Queue = std::list<JobPtr>;
  using Deadlines = std::set<std::pair<Clock::time_point, Engine::JobId>>;

  /// What a worker has and keeps from one job to the next.
  struct Worker {
    Batcher batcher;
    /// Of this thread: its process is started with the first recording.
    std::optional<ContainedDecoder> decoder;
    /// What it embeds next, with its working memory; of the calling thread alone.
    std::list<Prepared> together;
  };

  void embed(JobPtr job, Worker& worker) noexcept;
  Status prepare(const JobPtr& job, Worker& worker);
  JobPtr take_along(const std::list<Prepared>& together) noexcept;
  void run_all(std::list<Prepared>& batch, Batcher& batcher, const ForEach& for_each = kInTurn) noexcept;
  void run_batch(std::list<Prepared>& batch, Batcher& batcher, const ForEach& for_each);
  std::vector<Result<bundle::Embedding>> run_model(std::span<Prepared* const> batch, Batcher& batcher,
                                                   const ForEach& for_each);

  Result<Engine::JobId> enqueue(JobPtr job);
  Result<ConversationResult> converse(Job& job, std::optional<ContainedDecoder>& decoder);
  ContainedDecoder* decoder_of(std::optional<ContainedDecoder>& decoder) const;
  Status share(std::size_t count, const std::function<Status(std::size_t)>& body);
  const ForEach share_ = [this](std::size_t count, const std::function<Status(std::size_t)>& body) {
    return share(count, body);
  };
  void help(SharedWork& work) noexcept;

  JobPtr unqueue(const JobPtr& job) noexcept;
  void left_queue(Job& job) noexcept;
  /// A job, or work of a job that can be helped with; neither when the engine stops.
  struct Taken {
    JobPtr job;
    SharedWork* shared = nullptr;
  };
  Taken take() noexcept;
  void hand_over(JobPtr job, Matrix features);
  std::list<Prepared> take_batch(std::size_t most) noexcept;
  void finish(const JobPtr& job, Result<EmbedResult> result) noexcept;
  void finish(const JobPtr& job, Result<ConversationResult> result) noexcept;
  template <typename T>
  void settle(const JobPtr& job, std::function<void(Result<T>)>& callback, Result<T> result) noexcept;

  const std::unique_ptr<const bundle::Model> model_;
  const std::unique_ptr<const FrontEnd> front_end_;
  const std::unique_ptr<const SpeechDetector> detector_ = silero_detector();
  const EngineOptions options_;
  const Stages stages_{*front_end_, *detector_, *model_, options_.limits};
  const std::shared_ptr<Admission> admission_;

  mutable std::mutex mutex_;
  std::condition_variable job_waits_;
  std::condition_variable job_ended_;
  std::condition_variable deadline_changed_;
  std::condition_variable prepared_waits_;
  std::condition_variable prepared_taken_;
  Queue queue_;
  std::list<SharedWork*> shared_;  ///< of running jobs, the oldest first
  Deadlines deadlines_;            ///< of those in queue_
  std::list<Prepared> prepared_;
  std::map<Engine::JobId, JobPtr> jobs_;
  EngineStats stats_;
  std::atomic<Engine::JobId> last_id_ = 0;
  std::size_t workers_left_ = 0;
  std::size_t callbacks_ = 0;  ///< running now
  bool closed_ = false;
  bool stopping_ = false;
};

}  // namespace timbre
