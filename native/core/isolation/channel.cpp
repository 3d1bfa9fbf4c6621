#include "isolation/channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace timbre {

namespace {

/// Of one message, both ways.
constexpr std::size_t kMostDescriptors = 2;

using ControlBuffer = std::array<char, CMSG_SPACE(sizeof(int) * kMostDescriptors)>;

/// The descriptors of what was received; all are owned from here on.
std::vector<Descriptor> descriptors_of(msghdr& header) {
  std::vector<Descriptor> found;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      found.emplace_back(number);
    }
  }
  return found;
}

}  // namespace

Result<std::pair<Channel, Channel>> Channel::pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    const bool exhausted = errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
    return Error{exhausted ? ErrorCode::OVERLOADED : ErrorCode::INTERNAL,
                 "no connection to a decoder could be made (" + std::generic_category().message(errno) + ")"};
  }
  return std::pair(Channel(Descriptor(ends[0])), Channel(Descriptor(ends[1])));
}

bool Channel::send(MessageKind kind, const std::vector<std::uint8_t>& body, std::span<const int> descriptors) {
  if (body.size() >= kMostMessage || descriptors.size() > kMostDescriptors) return false;
  auto first = static_cast<std::uint8_t>(kind);
  std::array<iovec, 2> parts{iovec{&first, 1}, iovec{const_cast<std::uint8_t*>(body.data()), body.size()}};
  msghdr header{};
  header.msg_iov = parts.data();
  header.msg_iovlen = parts.size();
  alignas(cmsghdr) ControlBuffer control{};
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  // There is room for every answer to a question that was read; who does not read shall not hold this thread.
  for (;;) {
    const ssize_t sent = ::sendmsg(socket_.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) return true;
    if (errno != EINTR) return false;
  }
}

Channel::Arrival Channel::receive(Message& message, std::chrono::milliseconds patience, std::size_t most_descriptors) {
  pollfd ready{socket_.get(), POLLIN, 0};
  const int polled = ::poll(&ready, 1, static_cast<int>(patience.count()));
  if (polled == 0 || (polled < 0 && errno == EINTR)) return Arrival::kNothing;
  if (polled < 0) return Arrival::kClosed;
  buffer_.resize(kMostMessage);
  iovec part{buffer_.data(), buffer_.size()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) ControlBuffer control{};
  // Without room for them the kernel throws descriptors away.
  header.msg_control = most_descriptors > 0 ? control.data() : nullptr;
  header.msg_controllen = most_descriptors > 0 ? control.size() : 0;
  const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (got < 0) return errno == EINTR || errno == EAGAIN ? Arrival::kNothing : Arrival::kClosed;
  message.descriptors = descriptors_of(header);
  // A message of no bytes looks like the end, and is one.
  if (got == 0) return Arrival::kClosed;
  const bool cut = (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  if (cut || message.descriptors.size() > most_descriptors) return Arrival::kBroken;
  message.kind = static_cast<MessageKind>(buffer_[0]);
  message.body.assign(buffer_.begin() + 1, buffer_.begin() + got);
  return Arrival::kMessage;
}

}  // namespace timbre
