# Programs that a test starts, and must not leave behind.
package Poterne::Process;

use strict;
use warnings;

use Exporter 'import';
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX qw(WNOHANG setsid);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(free_port start_server stop_server wait_for_port wait_until start_process stop_process adopt alive command_output command_answer
    clear_of_midnight);

my $owner = $$;
my %running;

# A port of 127.0.0.1 that nobody listens on now, below those that the kernel hands out itself. It is this test's
# until it ends, though nobody may listen there at times: an abstract socket of its name says so to other tests.
my $next_port = 20000 + ( $$ * 37 ) % 10000;
my @claims;

sub free_port {
    for ( 1 .. 1000 ) {
        my $port = $next_port++;
        my $claim = IO::Socket::UNIX->new( Local => "\0poterne-test-port-$port", Listen => 1 ) or next;
        my $socket = IO::Socket::INET->new( LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1 ) or next;
        close $socket;
        push @claims, $claim;
        return $port;
    }
    die "no free port\n";
}

# A server of a test's own: a process in a session of its own, which gives each connection to `serve` in a process of its
# own. Its pid; host and port say where it listens.
sub start_server {
    my ( $host, $port, $serve ) = @_;
    my $listener = IO::Socket::INET->new( LocalAddr => $host, LocalPort => $port, Listen => 100, ReuseAddr => 1 )
        or die "server on $host:$port: $@\n";
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        setsid();
        $SIG{CHLD} = 'IGNORE';
        $SIG{TERM} = 'DEFAULT';
        while (1) {
            my $client = $listener->accept or next;
            if ( !( fork // 1 ) ) {
                close $listener;
                $serve->($client);
                POSIX::_exit(0);
            }
            close $client;
        }
    }
    close $listener;
    adopt($pid);
    return $pid;
}

# With whatever it serves.
sub stop_server {
    my ($pid) = @_;
    return if !$pid;
    kill 'KILL', -$pid;
    stop_process( $pid, 'KILL', 5 );
    return;
}

sub wait_until {
    my ( $seconds, $condition ) = @_;
    my $end = time + $seconds;
    while (1) {
        my $answer = $condition->();
        return $answer if $answer || time > $end;
        sleep 0.05;
    }
}

# False when the time is over, or the process that should listen has ended.
sub wait_for_port {
    my ( $port, $seconds, $pid, $host ) = @_;
    my $ended;
    my $there = sub {
        return $ended = 1 if defined $pid && !alive($pid);
        my $socket = IO::Socket::INET->new( PeerAddr => $host // '127.0.0.1', PeerPort => $port ) or return 0;
        close $socket;
        return 1;
    };
    return wait_until( $seconds, $there ) && !$ended;
}

# What counts days (UTC) does not begin just before one ends.
sub clear_of_midnight {
    sleep 1 while time % 86400 > 86400 - 300;
    return;
}

# In a process group of its own, output into a file.
sub start_process {
    my ( $output, @command ) = @_;
    my $pid = fork // die "fork: $!\n";
    if ( !$pid ) {
        setsid();
        open STDIN, '<', '/dev/null' or die "$!\n";
        open STDOUT, '>>', $output or die "$output: $!\n";
        open STDERR, '>&', \*STDOUT or die "$!\n";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    $running{$pid} = 1;
    return $pid;
}

# A child that was forked elsewhere, to be ended like the others.
sub adopt {
    my ($pid) = @_;
    $running{$pid} = 1;
    return;
}

# Has the child ended? Its status is kept for stop_process.
sub alive {
    my ($pid) = @_;
    return kill 0, $pid if !exists $running{$pid};
    return 0 if $running{$pid} ne '1';
    return 1 if waitpid( $pid, WNOHANG ) != $pid;
    $running{$pid} = "ended $?";
    return 0;
}

# Asks with a signal, insists after `seconds`; the wait status, or undef if it had to be killed.
sub stop_process {
    my ( $pid, $signal, $seconds ) = @_;
    kill $signal // 'TERM', $pid if alive($pid);
    my $ended = wait_until( $seconds // 30, sub { !alive($pid) } );
    if ( !$ended ) {
        kill 'KILL', -$pid;
        waitpid $pid, 0;
    }
    my $status = delete $running{$pid};
    return $ended && $status =~ /^ended (\d+)/ ? $1 : undef;
}

# (exit status, output with errors)
sub command_output {
    return output_of( 1, @_ );
}

# (exit status, standard output): for what a program reads, where a complaint in the midst of a line
# would spoil it.
sub command_answer {
    return output_of( 0, @_ );
}

sub output_of {
    my ( $complaints_too, @command ) = @_;
    my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
    if ( !$pid ) {
        my ( $mode, $to ) = $complaints_too ? ( '>&', \*STDOUT ) : ( '>', '/dev/null' );
        open STDERR, $mode, $to or die "$!\n";
        exec { $command[0] } @command or POSIX::_exit(127);
    }
    local $/;
    my $output = <$pipe> // '';
    close $pipe;
    return ( $? >> 8, $output );
}

# Whatever way the test ends, even by Ctrl-C.
sub end_all {
    return if $$ != $owner;
    for my $pid ( keys %running ) {
        stop_process( $pid, 'TERM', 10 );
    }
    return;
}

$SIG{INT}  //= sub { exit 130 };
$SIG{TERM} //= sub { exit 143 };
$SIG{PIPE} //= sub { exit 141 };    # `./demo | head` as well

END {
    my $status = $?;
    end_all();
    $? = $status;
}

1;
