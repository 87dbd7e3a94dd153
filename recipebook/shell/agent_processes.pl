# The processes of a box as its agent sees them, how it ends them, and the clock; agent.pl comes with it as one text.
#
# System calls stand here by their numbers, since a module that knew them would be one of the box, whose own commands may
# replace it.

@INC = ();
my ($machine, $most_memory, $most_output, @kept_capabilities) = @ARGV;

my %NUMBERS = (
    x86_64  => [157, 228, 112, 247, 332, 434, 436, 13,  126, 292],
    aarch64 => [167, 113, 157, 95,  291, 434, 436, 134, 91,  24],
);
my (
    $PRCTL, $CLOCK_GETTIME, $SETSID, $WAITID, $STATX, $PIDFD_OPEN, $CLOSE_RANGE, $SIGNAL_ACTION, $SET_CAPABILITIES,
    $DUPLICATE,
) = @{ $NUMBERS{$machine} };
my ($SET_DUMPABLE, $DROP_FROM_BOUNDING_SET, $CAPABILITIES, $CAPABILITIES_OF_64_BITS) = (4, 24, 64, 0x20080522);
my ($CLOCK_MONOTONIC, $LAST_DESCRIPTOR) = (1, 0xFFFFFFFF);
my ($NO_HANG, $ALL_PROCESSES, $EXITED_AND_LEFT_WAITING) = (1, 0, 0x01000005);
my ($SET_FLAGS, $NONBLOCK, $TRY_AGAIN, $INVALID) = (4, 04000, 11, 22);
my ($WORKING_FOLDER, $BASIC_FIELDS) = (-100, 0x7FF);

# Seconds for killed processes to go.
my $DYING = 5;
my ($ROUNDS, $CHUNK, $KILL) = (50, 65536, 9);

sub now {
    my $time = "\0" x 16;
    syscall($CLOCK_GETTIME, $CLOCK_MONOTONIC, $time);
    my ($seconds, $nanoseconds) = unpack "qq", $time;
    return $seconds + $nanoseconds / 1e9;
}

sub pause {
    my ($seconds) = @_;
    select(undef, undef, undef, $seconds);
}

# Exit statuses of all children, also adopted ones, that have ended; 128 and the signal for those killed.
sub reap {
    my %statuses;
    while ((my $ended = waitpid(-1, $NO_HANG)) > 0) {
        $statuses{$ended} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    }
    return \%statuses;
}

# Whether any process but this one is left: orphans are adopted, so all others descend from a child.
sub has_children {
    return syscall($WAITID, $ALL_PROCESSES, 0, 0, $EXITED_AND_LEFT_WAITING, 0) == 0;
}

# All living processes but this one by their numbers and the times of their start, since numbers come again.
sub list_processes {
    my %found;
    for my $number (list_numbers()) {
        my $stat = read_proc($number, "stat");
        # A name in brackets, which may hold anything, comes before the other fields.
        my @fields = split(' ', substr($stat, rindex($stat, ")") + 1)) or next;
        $found{"$number $fields[19]"} = $number if $fields[0] ne "Z" && $fields[0] ne "X";
    }
    return \%found;
}

# Bytes of memory of all processes: their own pages and those that they share without a file.
sub sum_memory {
    my $total = 0;
    for my $number (list_numbers()) {
        my $status = read_proc($number, "status");
        $total += 1024 * $1 while $status =~ /^Rss(?:Anon|Shmem):\s+(\d+)/mg;
    }
    return $total;
}

sub list_numbers {
    opendir(my $folder, "/proc") or return;
    return grep { /^\d+\z/ && $_ != 1 } readdir $folder;
}

# A process's file; empty if it has gone.
sub read_proc {
    my ($number, $file) = @_;
    open(my $handle, "<", "/proc/$number/$file") or return "";
    my $text = "";
    sysread($handle, $text, $CHUNK);
    return $text;
}

# Kills every process that is not among those of `before`; all of them where they multiply too fast.
sub kill_since {
    my ($before) = @_;
    my (%killed, $living);
    my ($rounds, $until) = (0, now() + $DYING);
    while ($rounds < $ROUNDS && now() < $until) {
        reap();
        $living = list_processes();
        my @new = grep { !$before->{$_} } keys %$living or return;
        my @unseen = grep { !$killed{$_}++ } @new;
        $rounds++ if @unseen;
        kill $KILL, $living->{$_} for @unseen;
        pause(0.001);
    }
    kill_everything();
    reap();
}

sub kill_everything {
    kill $KILL, -1;
}
