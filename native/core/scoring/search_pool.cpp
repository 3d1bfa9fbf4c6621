#include "scoring/search_pool.h"

#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "support/worker_thread.h"

namespace timbre {

Result<std::unique_ptr<SearchPool>> SearchPool::create(const SearchPoolOptions& options) {
  try {
    std::unique_ptr<SearchPool> pool(new SearchPool(options));
    pool->threads_.reserve(options.threads);
    for (std::size_t i = 0; i < options.threads; ++i) {
      pool->threads_.push_back(start_worker("timbre-search", [self = pool.get()] { self->work(); }));
    }
    return pool;
  } catch (const std::system_error& error) {
    return Error{ErrorCode::OVERLOADED, std::string("no thread could be started to search on (") + error.what() +
                                            "); raise the limit (ulimit -u)"};
  } catch (...) {
    return caught_error("starting to search", "try again later");
  }
}

SearchPool::~SearchPool() {
  std::list<Waiting> dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(queue_);
    waits_.notify_all();
  }
  for (Waiting& one : dropped) one.done(plain_error(ErrorCode::ENGINE_CLOSED, "the process ends before the search"));
  for (std::thread& thread : threads_) thread.join();
}

Status SearchPool::submit(Search search, Callback done) {
  try {
    std::list<Waiting> one;
    one.push_back({std::move(search), std::move(done)});
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.waiting) {
      return Error{ErrorCode::OVERLOADED, std::to_string(queue_.size()) + " searches wait already; try again later"};
    }
    queue_.splice(queue_.end(), one);
    waits_.notify_one();
    return ok();
  } catch (...) {
    return caught_error("queueing a search", "try again later");
  }
}

void SearchPool::work() noexcept {
  for (;;) {
    std::list<Waiting> searches = take();
    if (searches.empty()) return;
    Status ran = ok();
    try {
      run(searches);
    } catch (...) {
      ran = caught_error("searching", "try again later");
    }
    // Nothing is left of searches that ran.
    for (Waiting& unfinished : searches) unfinished.done(copy_of(ran.error()));
  }
}

/// Those of one gallery that wait, the first one's; none when the pool closes.
std::list<SearchPool::Waiting> SearchPool::take() noexcept {
  std::unique_lock lock(mutex_);
  waits_.wait(lock, [this] { return closed_ || !queue_.empty(); });
  std::list<Waiting> taken;
  const Gallery* const gallery = queue_.empty() ? nullptr : queue_.front().search.gallery.get();
  for (auto next = queue_.begin(); next != queue_.end() && taken.size() < options_.at_once;) {
    const auto one = next++;
    if (one->search.gallery.get() == gallery) taken.splice(taken.end(), queue_, one);
  }
  return taken;
}

/// Takes out of the list what it answers.
void SearchPool::run(std::list<Waiting>& searches) {
  std::vector<Gallery::Query> queries;
  queries.reserve(searches.size());
  for (const auto& [search, done] : searches) queries.push_back({search.query, search.count, search.candidates});
  auto results = searches.front().search.gallery->search(queries);
  for (auto& result : results) {
    Waiting one = std::move(searches.front());
    searches.pop_front();
    one.done(std::move(result));
  }
}

}  // namespace timbre
