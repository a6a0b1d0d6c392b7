// The thread that moves a run.
#ifndef FEDGAP_SERVER_CORE_DRIVER_H_
#define FEDGAP_SERVER_CORE_DRIVER_H_

#include "common/base/status.h"
#include "server/core/coordinator.h"

namespace fedgap {

// Calls Advance whenever there is something to do, by the system's steady
// clock, until the run is over (OK) or the store fails. Call it from one
// thread; it replaces the coordinator's wake-up.
Status DriveToEnd(Coordinator& coordinator);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_DRIVER_H_
