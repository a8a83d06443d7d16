# Threads of a process that goes on: which system calls they make while something is done, and its death at one of
# them. Debian's strace does it, which a sandbox does not hinder: it is not the process that traces.
package Poterne::Inject;

use strict;
use warnings;

use Exporter 'import';
use POSIX ();
use Time::HiRes qw(sleep);

use Poterne::Process qw(start_process stop_process alive wait_until);

our @EXPORT_OK = qw(missing threads calls_during kill_at);

use constant { STRACE => '/usr/bin/strace', ATTACH_SECONDS => 20, OTHER_USER => 64_199 };

# Calls that come by themselves and as often as they like: the clock's, and waiting.
my %idle = map { $_ => 1 } qw(epoll_wait futex getpid restart_syscall clock_nanosleep fstatfs poll ppoll);

# Why it can't be had here; empty: it can.
sub missing {
    return 'strace is not installed' if !-x STRACE;
    return 'only root may trace processes of other users' if $> != 0;
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {    # another user's, as the gateway's processes are
        POSIX::setgid(OTHER_USER);
        POSIX::setuid(OTHER_USER);
        sleep 60;
        POSIX::_exit(0);
    }
    Poterne::Process::adopt($pid);
    my $said = join '', traced( [$pid], sub { } );
    stop_process( $pid, 'KILL', 10 );
    return $said =~ /(strace: .*)/ ? "no process can be traced here: $1" : '';
}

sub threads {
    my ($pid) = @_;
    opendir my $folder, "/proc/$pid/task" or return;
    return sort { $a <=> $b } grep { /^\d+$/ } readdir $folder;
}

# The number of the process that traces this thread; 0: none does, or it is gone.
sub tracer_of {
    my ($tid) = @_;
    open my $file, '<', "/proc/$tid/status" or return 0;
    my ($tracer) = map { /^TracerPid:\s+(\d+)/ } <$file>;
    return $tracer // 0;
}

# strace of these threads while something is done; its output.
sub traced {
    my ( $tids, $work, @options ) = @_;
    my $output = "/tmp/poterne-strace-$$";
    unlink $output;
    my $pid = start_process( $output, STRACE, '-qq', ( map { ( '-p', $_ ) } @$tids ), @options );
    my $attached = wait_until(
        ATTACH_SECONDS,
        sub {
            my @without = grep { -e "/proc/$_" && !tracer_of($_) } @$tids;
            return !@without || !alive($pid);
        }
    );
    $work->();
    stop_process( $pid, 'INT', 10 );
    open my $file, '<', $output or die "$output: $!\n";
    my @lines = <$file>;
    unlink $output;
    die "strace of @$tids did not begin: @lines" if !$attached;
    return @lines;
}

# [name, how often one thread makes it at most] of each system call, but those that come by themselves. Options: '-f', to
# count those of their children, too.
sub calls_during {
    my ( $tids, $work, @options ) = @_;
    my ( %count, %most, @names );
    for my $line ( traced( $tids, $work, @options ) ) {
        my ( $tid, $name ) = $line =~ /^(?:\[pid\s+(\d+)\] )?(\w+)\(/ or next;
        next if $idle{$name};
        push @names, $name if !$most{$name};
        my $n = ++$count{ ( $tid // 0 ) . " $name" };
        $most{$name} = $n if $n > ( $most{$name} // 0 );
    }
    return map { [ $_, $most{$_} ] } @names;
}

# Their process is killed when one of them makes that call for the nth time, before it is done; if one does while `work`
# runs. With '-f' likewise any of their children that comes to be meanwhile.
sub kill_at {
    my ( $tids, $name, $nth, $work, @options ) = @_;
    traced( $tids, $work, @options, '-e', "trace=$name", '-e', "inject=$name:signal=KILL:when=$nth" );
    return;
}

1;
