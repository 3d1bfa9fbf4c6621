#pragma once

#include <list>
#include <memory>
#include <utility>

#include "engine/engine.h"

namespace timbre {

/// What a job is that finds out who speaks when.
struct ConversationTask {
  ConversationRequest request;
  Engine::ConversationCallback done;
};

/// One admitted request on its way through the stages. Owned by one thread at a time; only `interrupt` is shared.
struct Job {
  Job(Engine::JobId job_id, Admission::Place room, EmbedRequest embed, Engine::Callback callback)
      : id(job_id),
        interrupt(embed.deadline),
        place(std::move(room)),
        request(std::move(embed)),
        done(std::move(callback)) {}

  Job(Engine::JobId job_id, Admission::Place room, ConversationRequest converse, Engine::ConversationCallback callback)
      : id(job_id),
        interrupt(converse.deadline),
        place(std::move(room)),
        conversation(std::make_unique<ConversationTask>(ConversationTask{std::move(converse), std::move(callback)})) {}

  const Engine::JobId id;
  std::optional<std::list<std::shared_ptr<Job>>::iterator> in_queue;  ///< its place, while it waits
  Interrupt interrupt;
  const Clock::time_point admitted = Clock::now();
  Admission::Place place;
  EmbedRequest request;
  Engine::Callback done;
  AudioInfo audio;
  SpeechReport speech;
  double embedded_seconds = 0;
  bundle::Pauses pauses = bundle::Pauses::keep;
  Timings timings;
  const std::unique_ptr<ConversationTask> conversation;  ///< none: the job embeds
};

using JobPtr = std::shared_ptr<Job>;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace timbre
