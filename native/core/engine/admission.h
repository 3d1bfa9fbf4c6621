#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "support/interrupt.h"
#include "support/result.h"

namespace timbre {

/// What an engine may hold at once.
struct AdmissionLimits {
  std::size_t queued = 256;                   ///< jobs admitted and not yet started
  std::uint64_t input_bytes = 1ULL << 30U;    ///< recordings in memory that are not decoded yet
  std::uint64_t working_bytes = 4ULL << 30U;  ///< samples, features and activations of jobs that are being embedded
};

/// What it holds now.
struct AdmissionUse {
  std::size_t queued = 0;
  std::uint64_t input_bytes = 0;
  std::uint64_t working_bytes = 0;
  std::size_t waiting_for_memory = 0;  ///< jobs on a worker that wait for working memory
  std::uint64_t refused = 0;           ///< OVERLOADED, since it was made
};

/// Owns an engine's slots, bytes of waiting inputs and working memory, and decides who gets them.
///
/// A slot and the bytes of an input are given at once or refused at once, before anything is copied. Working memory is
/// asked for when the length of a recording is known: more than there is in all is refused, everything else waits its
/// turn, in the order in which it was asked for, so that a long recording is not overtaken for ever by short ones. It
/// is given in one piece. Whoever holds some for one job does not wait for another's: he asks try_reserve_working().
///
/// Safe from any thread.
class Admission : public std::enable_shared_from_this<Admission> {
 public:
  class Place;

  /// Made by std::make_shared only: places own it.
  explicit Admission(const AdmissionLimits& limits) : limits_(limits) {}

  const AdmissionLimits& limits() const { return limits_; }

  /// A place in the queue for an input of so many bytes. Errors: OVERLOADED; AUDIO_TOO_LARGE for more bytes than all
  /// inputs together may have.
  Result<Place> admit(std::uint64_t input_bytes);

  /// Whether admit() would give a place now.
  bool has_room(std::uint64_t input_bytes) const;

  /// Has those who wait for working memory look at their interrupts.
  void wake();

  AdmissionUse use() const;

 private:
  Status change_input(std::uint64_t held, std::uint64_t wanted);

  const AdmissionLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::list<const Place*> waiting_;  ///< for working memory, first come first served
  AdmissionUse use_;
};

/// What one job holds of an engine's room. Gives back what it has not given back before when it ends. Used by one
/// thread at a time.
class Admission::Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept;
  Place& operator=(Place&& other) noexcept;
  ~Place() { release(); }

  /// Room for an input that has so many bytes now. Errors: as of admit(); what is held stays held.
  Status resize_input(std::uint64_t bytes);

  std::uint64_t input_bytes() const { return input_bytes_; }

  /// The job has left the queue.
  void release_slot() noexcept;
  /// The input is in memory no more.
  void release_input() noexcept;

  /// Waits for working memory. Errors: AUDIO_TOO_LONG for more than there is in all, what `interrupt` says meanwhile.
  Status reserve_working(std::uint64_t bytes, const Interrupt& interrupt);

  /// The same without waiting: false where it would have to wait, or would fail.
  bool try_reserve_working(std::uint64_t bytes) noexcept;

  void release() noexcept;

 private:
  friend class Admission;
  Place(std::shared_ptr<Admission> owner, std::uint64_t input_bytes)
      : owner_(std::move(owner)), queued_(true), input_bytes_(input_bytes) {}

  std::shared_ptr<Admission> owner_;
  bool queued_ = false;
  std::uint64_t input_bytes_ = 0;
  std::uint64_t working_bytes_ = 0;
};

}  // namespace timbre
