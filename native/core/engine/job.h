#pragma once

#include <memory>

#include "engine/engine.h"

namespace timbre {

/// One admitted request on its way through the stages. Owned by one thread at a time; only `interrupt` is shared.
struct Job {
  Job(Engine::JobId id, EmbedRequest request, Engine::Callback done)
      : id(id), interrupt(request.deadline), request(std::move(request)), done(std::move(done)) {}

  const Engine::JobId id;
  Interrupt interrupt;
  const Clock::time_point admitted = Clock::now();
  EmbedRequest request;
  Engine::Callback done;
  AudioInfo audio;
  Timings timings;
};

using JobPtr = std::shared_ptr<Job>;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace timbre
