# Starts boxes of one base, from inside the namespace that spawner.py took; each begins as a copy of this process.
#
#     in:   "start\0" 17 "\0disk\0" 67108864 …   with descriptors: the box's input and output, and its cgroup if it has one
#           "close\0" 17                         ends the box
#     out:  "ready" at first; why a box could not be started is written on its output, where its agent would write
#
# Boxes start beside each other: one that waits for its ids lets the next one begin. The process has one thread and lives
# as long as its socket is open: bwrap's --die-with-parent is bound to the thread that started the box. It is Perl, since
# a copy of a Python takes a millisecond more of the processor, for each box. It loads no module.

@INC = ();
my ($machine, $control, $ids, $plan) = @ARGV;
# Of numbers and texts the kernel is given what Perl takes them for.
$control += 0;

my %NUMBERS = (
    x86_64  => [1,  3,  47,  116, 117, 119, 157, 165, 272, 292, 302, 436],
    aarch64 => [64, 57, 212, 159, 147, 149, 167, 40,  97,  24,  261, 436],
);
my (
    $WRITE, $CLOSE, $RECEIVE, $SET_GROUPS, $SET_USER, $SET_GROUP, $PRCTL, $MOUNT, $UNSHARE, $DUPLICATE, $LIMIT,
    $CLOSE_RANGE,
) = @{ $NUMBERS{$machine} };
my %NAMES;
@NAMES{ @{ $NUMBERS{$machine} } } = qw(write close recvmsg setgroups setresuid setresgid prctl mount unshare dup3 prlimit
    close_range);
my ($NEW_USER_AND_MOUNTS, $SET_DUMPABLE, $MOST_PROCESSES, $LAST_DESCRIPTOR) = (0x10020000, 4, 6, 0xFFFFFFFF);
my ($UNIX, $STREAM, $NO_HANG, $KILL) = (1, 1, 1, 9);
my ($ALL_IDS, $FIRST_OWNER, $OWNERS) = (65536, 1000, 60_000);
my ($MESSAGE, $RIGHTS) = (4096, 64);

# The first process of each living box by the box's number; those that wait for the ids of their namespace, by the
# descriptor on which they wait.
my (%processes, %entering);
my $started = 0;
my @steps = read_plan();

sub serve {
    while (1) {
        my $bits = "";
        vec($bits, $_, 1) = 1 for $control, keys %entering;
        if (select($bits, undef, undef, 1) > 0) {
            let_in($_) for grep { vec($bits, $_, 1) } keys %entering;
            return if vec($bits, $control, 1) && !obey();
        }
        reap();
    }
}

sub obey {
    my ($text, @descriptors) = receive();
    return 0 if $text eq "";
    my ($what, $box, %limits) = split /\0/, $text;
    if ($what eq "close") {
        # Its number in /proc is not given to another process before reap() has waited for it.
        kill $KILL, $processes{$box} if $processes{$box};
    }
    else {
        start($box, \%limits, @descriptors);
    }
    syscall($CLOSE, $_) for @descriptors;
    return 1;
}

# A message and the descriptors that came with it; an empty one from a socket whose other end is closed.
sub receive {
    my ($text, $rights) = ("\0" x $MESSAGE, "\0" x $RIGHTS);
    my $part = pack("J2", find($text), $MESSAGE);
    my $head = pack("J L x4 J4 J", 0, 0, find($part), 1, find($rights), $RIGHTS, 0);
    my $length = call($RECEIVE, $control, $head, 0);
    my ($size) = unpack("J", $rights);
    my @descriptors = $size ? unpack("x16 l*", substr($rights, 0, $size)) : ();
    return (substr($text, 0, $length), @descriptors);
}

# Where a string lies that the kernel is to write into: its own copy, whatever it was made from.
sub find {
    vec($_[0], 0, 8) = vec($_[0], 0, 8);
    return unpack("J", pack("P", $_[0]));
}

sub start {
    my ($box, $limits, @descriptors) = @_;
    $started++;
    my $process;
    if (socketpair(my $ours, my $theirs, $UNIX, $STREAM, 0) && defined($process = fork)) {
        if (!$process) {
            eval { enter($theirs, $limits, @descriptors) };
            syscall($WRITE, $descriptors[1], $@, length $@);
            syscall($WRITE, 1, $@, length $@);
            kill $KILL, $$;
        }
        $processes{$box} = $process;
        $entering{ fileno $ours } = [$ours, $process];
        return;
    }
    my $fault = "fork: $!\n";
    syscall($WRITE, $descriptors[1], $fault, length $fault);
}

# Gives a box the ids of the namespace that it has just made. One that has ended meanwhile, or that gets no ids, says so
# on its own output.
sub let_in {
    my ($socket, $process) = @{ delete $entering{ $_[0] } };
    if (sysread($socket, my $made, 1) && $ids == $ALL_IDS) {
        eval { write_file("/proc/$process/${_}_map", "0 0 $ALL_IDS") for "uid", "gid" };
    }
    syswrite($socket, ".");
}

sub reap {
    my %ended;
    while ((my $process = waitpid(-1, $NO_HANG)) > 0) {
        $ended{$process} = 1;
    }
    delete @processes{ grep { $ended{ $processes{$_} } } keys %processes } if %ended;
}

# Becomes a box: its ids, its files, its limits, and bubblewrap at the end.
sub enter {
    my ($parent, $limits, $requests, $replies, @cgroup) = @_;
    call($DUPLICATE, @$_, 0) for [$requests, 0], [$replies, 1], [$replies, 2];
    # 0 is the process that writes. Whoever opened the file may move it there.
    call($WRITE, $_, "0", 1) for @cgroup;
    take_ids($parent, $limits->{processes});
    call($CLOSE_RANGE, 3, $LAST_DESCRIPTOR, 0);
    umask 022;
    for my $step (@steps) {
        my ($what, @words) = map { s/\{(\w+)\}/$limits->{$1}/gr } @$step;
        if ($what eq "folder") {
            mkdir $words[0] or die "mkdir $words[0]: $!\n";
        }
        elsif ($what eq "mount") {
            call($MOUNT, @words[0 .. 2], $words[3] + 0, $words[4]);
        }
        elsif ($what eq "limit") {
            limit(@words);
        }
        elsif ($what eq "open") {
            open(my $file, "<", $words[0]) or die "$words[0]: $!\n";
            call($DUPLICATE, fileno $file, $words[1] + 0, 0);
        }
        else {
            my $program = shift @words;
            exec { $program } @words or die "$program: $!\n";
        }
    }
}

# Takes a user namespace, in which the ids are those of this process's.
sub take_ids {
    my ($parent, $processes) = @_;
    # One owner for each box, so that the limit of processes is each box's own.
    if ($ids == $ALL_IDS) {
        # The limit that holds when a namespace is made counts all of its users together.
        limit($MOST_PROCESSES, $processes);
        become($FIRST_OWNER + $started % $OWNERS);
    }
    call($UNSHARE, $NEW_USER_AND_MOUNTS);
    syswrite($parent, "m");
    sysread($parent, my $given, 1);
    if ($ids == $ALL_IDS) {
        become(0);
        return;
    }
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/${_}_map", "0 0 1") for "uid", "gid";
    limit($MOST_PROCESSES, $processes);
    # Where ids are many, spawner.py has limited each box's owner to the one above.
    write_file("/proc/sys/user/max_user_namespaces", "0");
}

# Takes the user and group of this number, and no other group; the process's files in /proc stay its own.
sub become {
    my ($number) = @_;
    call($SET_GROUPS, 0, 0);
    call($SET_GROUP, ($number) x 3);
    call($SET_USER, ($number) x 3);
    call($PRCTL, $SET_DUMPABLE, 1, 0, 0, 0);
}

sub limit {
    my ($kind, $most) = @_;
    $most =~ /^\d+\z/ or die "limit $kind: $most\n";
    call($LIMIT, 0, $kind + 0, pack("Q2", $most, $most), 0);
}

# A system call that must succeed; what it returns.
sub call {
    my ($number, @arguments) = @_;
    my $result = syscall($number, @arguments);
    die join(" ", $NAMES{$number}, grep { /^[ -~]+\z/ } @arguments) . ": $!\n" if $result == -1;
    return $result;
}

sub write_file {
    my ($path, $text) = @_;
    open(my $file, ">", $path) or die "$path: $!\n";
    defined syswrite($file, $text) or die "$path: $!\n";
}

# What a box does on its way, a line each, with the words of a step between tabs and the names of limits in braces.
sub read_plan {
    open(my $file, "<", $plan) or die "$plan: $!\n";
    return map { chomp; [split /\t/, $_, -1] } <$file>;
}

# One that a child has ended while it waited for its ids must not end the others.
$SIG{PIPE} = "IGNORE";
call($WRITE, $control, "ready", 5);
serve();
