# How long mail takes from its 250 to its next hop, beside next hops that are dead, slow and away: what
# t/bench/hops and t/system/hops.t measure.
package Poterne::Passage;

use strict;
use warnings;

use IO::Socket::INET;
use POSIX ();
use Time::HiRes qw(sleep time);

use Poterne::Faulty;
use Poterne::Gateway;
use Poterne::Process qw(free_port wait_until);

use constant { SESSIONS => 4, PATIENCE => 60, SLOW_SECONDS => 1, LINES => 100 };

# Options: root, queue (settings), slow (of Poterne::Faulty). A gateway with four next hops: fine, slow (each answer takes
# a second, unless it is said otherwise), silent (it takes connections, and never says a word), away (nobody is there).
sub new {
    my ( $class, %option ) = @_;
    my $root = $option{root};
    my $self = bless {
        fine   => Poterne::Faulty->start( root => "$root/fine" ),
        slow   => Poterne::Faulty->start( root => "$root/slow", %{ $option{slow} // { pause => SLOW_SECONDS } } ),
        silent => Poterne::Faulty->start( root => "$root/silent", at => 'greeting', does => 'stall' ),
        away   => { port => free_port() }
    }, $class;
    my %domains = map { ( "$_.example" => { next_hop => "smtp://127.0.0.1:$self->{$_}{port}", recipients => ["user\@$_.example"] } ) } keys %$self;
    $self->{gateway} = Poterne::Gateway->new(
        root     => "$root/gateway",
        settings => { antivirus => { engines => '{ }' }, queue => $option{queue} // {} },
        domains  => \%domains
    )->start;
    return $self;
}

sub send_paced {
    my ( $self, $to, $name, $pause, $seconds, $out ) = @_;
    my $smtp = $self->{gateway}->smtp;
    my $body = "a line of a message\n" x LINES;
    my $end = time + $seconds;
    sleep rand $pause;
    for ( my ( $n, $due ) = ( 0, time ) ; $due < $end ; $n++, $due += $pause ) {
        sleep $due - time if $due > time;
        my $sent = $smtp->send( from => 'a@remote.example', to => [$to], data => \"Subject: $name-$n\n\n$body" );
        next if $sent->{stage} ne 'end' || $sent->{code} != 250;
        syswrite $out, sprintf "%s-%d %.6f\n", $name, $n, time;
    }
    $smtp->quit;
    return 1;
}

# Seconds from 250 to the sink, sorted, of mail to the fine one at `rate` a second for so many seconds; what never
# got there is missing.
sub measure {
    my ( $self, $name, $rate, $seconds ) = @_;
    my @pipes;
    for my $session ( 1 .. SESSIONS ) {
        my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
        if ( !$pid ) {
            srand $session;
            eval { $self->send_paced( 'user@fine.example', "$name-$session", SESSIONS / $rate, $seconds, \*STDOUT ) } or print STDERR $@;
            POSIX::_exit(0);
        }
        push @pipes, $pipe;
    }
    my %taken = map { split } map { readline $_ } @pipes;
    die "nothing was taken\n" if !%taken;
    my $there;
    wait_until( PATIENCE, sub { $there = $self->{fine}->times; !grep { !$there->{$_} } keys %taken } );
    $self->{missing} = grep { !$there->{$_} } keys %taken;
    my @seconds = sort { $a <=> $b } map { $there->{$_} - $taken{$_} } grep { $there->{$_} } keys %taken;
    return @seconds;
}

# n messages for each of those that are not fine.
sub burden {
    my ( $self, $n ) = @_;
    for my $to (qw(slow silent away)) {
        my $smtp = $self->{gateway}->smtp;
        for ( 1 .. $n ) {
            my $sent = $smtp->send( from => 'b@remote.example', to => ["user\@$to.example"], data => \"Subject: burden\n\nhello\n" );
            die "burden: $sent->{code} $sent->{text}\n" if $sent->{stage} ne 'end' || $sent->{code} != 250;
        }
        $smtp->quit;
    }
    return;
}

sub stop {
    my ($self) = @_;
    my $status = $self->{gateway}->stop;
    $self->{$_}->stop for qw(fine slow silent);
    return $status;
}

1;
