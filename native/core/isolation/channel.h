#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "isolation/messages.h"
#include "support/descriptor.h"
#include "support/result.h"

namespace timbre {

struct Message {
  MessageKind kind = MessageKind::kFailed;
  std::vector<std::uint8_t> body = {};
  std::vector<Descriptor> descriptors = {};
};

/// One end of a connection between two processes of this machine: whole messages, with descriptors. Whoever is on the
/// other end may send anything. Used by one thread.
class Channel {
 public:
  /// Both ends. Errors: OVERLOADED (no descriptors left), INTERNAL.
  static Result<std::pair<Channel, Channel>> pair();

  explicit Channel(Descriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const { return socket_.get(); }

  /// The descriptors stay the caller's. False where the other end is closed or takes nothing.
  bool send(MessageKind kind, const std::vector<std::uint8_t>& body = {}, std::span<const int> descriptors = {});

  enum class Arrival {
    kMessage,
    kNothing,  ///< none within the time
    kClosed,   ///< and none will come
    kBroken,   ///< something that is no message: too long, empty, with other descriptors than allowed
  };
  /// Waits at most `patience`, for ever where it is negative. A message brings `most_descriptors` at most.
  Arrival receive(Message& message, std::chrono::milliseconds patience, std::size_t most_descriptors);

 private:
  Descriptor socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace timbre
