// The serial numbers of the certificates that callers show.
#ifndef FEDGAP_SERVER_RPC_SERIAL_CACHE_H_
#define FEDGAP_SERVER_RPC_SERIAL_CACHE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/mutex.h"
#include "common/base/status.h"

namespace fedgap {

// gRPC hands a call its peer's certificate as text; to parse it takes OpenSSL
// as long as the rest of a small call, so each text is parsed once. Only
// certificates that TLS has verified come here. Thread-safe.
class SerialCache {
 public:
  // Holds at most `capacity` certificates; when it is full it starts anew.
  explicit SerialCache(std::size_t capacity = 16384) : capacity_(capacity) {}

  // Certificate::SerialNumber of the first certificate in `pem`.
  // INVALID_ARGUMENT if there is none or if it is damaged.
  StatusOr<std::string> SerialOf(std::string_view pem) EXCLUDES(mutex_);

  std::size_t size() const EXCLUDES(mutex_);

 private:
  const std::size_t capacity_;
  mutable Mutex mutex_;
  std::unordered_map<std::string, std::string> serials_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_SERIAL_CACHE_H_
