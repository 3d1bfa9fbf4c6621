#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "scoring/gallery.h"

namespace timbre {

struct SearchPoolOptions {
  std::size_t threads = 2;
  std::size_t waiting = 1024;  ///< searches admitted and not begun
  std::size_t at_once = 16;    ///< of one gallery, in one pass over its vectors
};

/// Searches galleries on a bounded number of threads. Those that wait for one gallery are answered by one pass over its
/// vectors, which costs hardly more than one search where the vectors do not fit into the cache.
///
/// Safe from any thread. A callback runs exactly once for each search that was taken on, on a thread of the pool or on
/// the one that closes it; it must not block and must not throw.
class SearchPool {
 public:
  using Callback = std::function<void(Result<Gallery::Matches>)>;

  struct Search {
    std::shared_ptr<const Gallery> gallery;
    VoiceVector query;
    std::size_t count = 0;
    std::optional<std::vector<Gallery::Key>> candidates;
  };

  /// Errors: OVERLOADED where the system has no more threads, OUT_OF_MEMORY.
  static Result<std::unique_ptr<SearchPool>> create(const SearchPoolOptions& options);

  /// Searches that have not begun end with ENGINE_CLOSED; those that have are waited for.
  ~SearchPool();
  SearchPool(const SearchPool&) = delete;
  SearchPool& operator=(const SearchPool&) = delete;

  /// Decides at once; after an error the callback never runs. Errors: OVERLOADED, OUT_OF_MEMORY.
  Status submit(Search search, Callback done);

 private:
  struct Waiting {
    Search search;
    Callback done;
  };

  explicit SearchPool(const SearchPoolOptions& options) : options_(options) {}

  void work() noexcept;
  std::list<Waiting> take() noexcept;
  static void run(std::list<Waiting>& searches);

  const SearchPoolOptions options_;
  std::mutex mutex_;
  std::condition_variable waits_;
  std::list<Waiting> queue_;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace timbre
