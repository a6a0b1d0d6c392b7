// The open connections of a server, and what each has sent that nobody has
// asked for.
#ifndef FEDGAP_SERVER_RPC_CONNECTION_TABLE_H_
#define FEDGAP_SERVER_RPC_CONNECTION_TABLE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

// gRPC 1.51 neither counts connections nor looks at the length that a message
// announces before it has all of it: what a peer sends of a message stands in
// memory until the message is whole, however long it says it is. So the table
// asks the kernel how many bytes came on each connection, takes off what calls
// have received, and shuts a connection down on which too much is left over.
// It does not own the descriptors: gRPC does, and may close them at any time;
// a socket is known by the kernel's cookie. Thread-safe.
class ConnectionTable {
 public:
  struct Options {
    // At least one. Beyond it the oldest of those that have made no call that
    // was let in goes; if there is none, the new one.
    std::size_t connections = 1000;
    // Of one client, by the calls that it makes: an honest one has one, and for
    // a while the one before.
    std::size_t connections_of_client = 16;
    // An honest client has a message of at most 4 MiB on its way, and a window
    // or two of bytes.
    std::int64_t unread_bytes_of_connection = 8 << 20;
    std::int64_t unread_bytes = 256 << 20;
  };

  // What one connection is told of the calls on it. Thread-safe.
  class Traffic {
   public:
    // A call has received a message of so many bytes.
    void Received(std::size_t bytes);
    // The server has ended a call of an honest client, of which a message may
    // have been on the way.
    void Forgive();

   private:
    friend class ConnectionTable;
    std::atomic<std::int64_t> received_ = 0;
  };

  // Why a connection was shut down, and of what peer ("address:port").
  using Told = std::function<void(const std::string& peer, const Status& why)>;

  ConnectionTable(Options options, Told tell)
      : options_(options), tell_(std::move(tell)) {}

  // A new connection, before it is handed to gRPC. False: there are too many,
  // the caller closes it.
  bool Add(int descriptor) EXCLUDES(mutex_);

  // The connection from `peer` (as gRPC writes addresses) has made a call as
  // `client` that was let in. Never null; of a connection that is not in the
  // table any more the traffic goes nowhere.
  std::shared_ptr<Traffic> Know(const std::string& peer,
                                const ClientName& client) EXCLUDES(mutex_);

  // Forgets what is closed, and shuts down where too much is unread. Called
  // several times a second.
  void Check() EXCLUDES(mutex_);

  std::size_t size() const EXCLUDES(mutex_);

 private:
  using Age = std::uint64_t;  // the number of the connection
  struct Connection {
    int descriptor = -1;
    std::uint64_t cookie = 0;
    std::string peer;  // "address:port"
    std::shared_ptr<Traffic> traffic;
    std::int64_t came_bytes = 0;  // as of the last look, as what follows
    std::int64_t sent_bytes = 0;
    std::int64_t received_bytes = 0;
    std::int64_t unread_bytes = 0;
    bool is_known = false;
    ClientName client = {};
  };
  using Connections = std::map<Age, Connection>;

  // False: it is closed.
  static bool Look(Connection& connection);
  void LookAtAll() REQUIRES(mutex_);
  void Forget(Connections::iterator at) REQUIRES(mutex_);
  void ShutDown(Connections::iterator at) REQUIRES(mutex_);
  bool MakeRoom() REQUIRES(mutex_);
  std::vector<std::pair<std::string, Status>> TakeBack() REQUIRES(mutex_);

  const Options options_;
  const Told tell_;
  mutable Mutex mutex_;
  Age next_ GUARDED_BY(mutex_) = 1;
  Connections connections_ GUARDED_BY(mutex_);
  std::set<Age> strangers_ GUARDED_BY(mutex_);
  std::map<std::string, Age> peers_ GUARDED_BY(mutex_);
  std::map<ClientName, std::set<Age>> clients_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CONNECTION_TABLE_H_
