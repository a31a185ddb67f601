package main

import (
	"log"

	"golang.org/x/sys/unix"
)

// monotonic is CLOCK_MONOTONIC in nanoseconds: one clock for all programs of a machine.
func monotonic() int64 { return read(unix.CLOCK_MONOTONIC) }

// processTime is how many seconds all threads of this process have computed.
func processTime() float64 { return float64(read(unix.CLOCK_PROCESS_CPUTIME_ID)) / 1e9 }

func read(clock int32) int64 {
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		log.Fatal(err)
	}
	return now.Nano()
}
