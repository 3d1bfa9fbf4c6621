#pragma once

#include <list>
#include <memory>
#include <utility>

#include "engine/engine.h"

namespace timbre {

/// One admitted request on its way through the stages. Owned by one thread at a time; only `interrupt` is shared.
struct Job {
  Job(Engine::JobId job_id, Admission::Place room, EmbedRequest embed, Engine::Callback callback)
      : id(job_id),
        interrupt(embed.deadline),
        place(std::move(room)),
        request(std::move(embed)),
        done(std::move(callback)) {}

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
};

using JobPtr = std::shared_ptr<Job>;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace timbre
