// The thread that moves a run.
#ifndef FEDGAP_SERVER_CORE_DRIVER_H_
#define FEDGAP_SERVER_CORE_DRIVER_H_

#include <functional>
#include <string>

#include "common/base/status.h"
#include "server/core/coordinator.h"

namespace fedgap {

// Calls Advance whenever there is something to do, by the system's steady
// clock, until the run is over (OK) or the store fails. Call it from one
// thread; it replaces the coordinator's wake-up. `say` (may be null) is called
// on that thread with what the run waits for, when WaitTeller tells it.
Status DriveToEnd(Coordinator& coordinator,
                  const std::function<void(const std::string&)>& say = nullptr);

// Once the run is over: a client whose connection was lost shortly before does
// not know. Returns when all of them have come back and been told, or
// `patience` after each was lost.
void WaitUntilToldOf(Coordinator& coordinator, Clock::Duration patience);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_DRIVER_H_
