#include "server/rpc/serial_cache.h"

#include "common/crypto/certificate.h"

namespace fedgap {

StatusOr<std::string> SerialCache::SerialOf(std::string_view pem) {
  std::string key(pem);
  {
    MutexLock lock(mutex_);
    const auto found = serials_.find(key);
    if (found != serials_.end()) return found->second;
  }
  FEDGAP_ASSIGN_OR_RETURN(const Certificate certificate,
                          Certificate::FromPem(pem));
  std::string serial = certificate.SerialNumber();
  MutexLock lock(mutex_);
  if (serials_.size() >= capacity_) serials_.clear();
  serials_.emplace(std::move(key), serial);
  return serial;
}

std::size_t SerialCache::size() const {
  MutexLock lock(mutex_);
  return serials_.size();
}

}  // namespace fedgap
