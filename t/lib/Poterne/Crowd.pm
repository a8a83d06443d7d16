# Several senders at once, each with mail of its own, no two bodies alike; what each message was answered stands in a file
# as soon as it is heard. For what must be accounted for to the last message: deaths, power cuts, long runs.
#
#     my $crowd = Poterne::Crowd->start( port => …, folder => …, sessions => 6, name => 'r1', make => sub { … } );
#     my $said = $crowd->stop;    # { number => { code, text, digest, to } }
#
# `make` is given a message's number and how many that sender has made, and returns ( from, to, \message without its
# X-Sequence ). `count`: each sender ends after so many.
package Poterne::Crowd;

use strict;
use warnings;

use File::Path qw(make_path);
use List::Util qw(sum0);
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep);

use Poterne::Smtp;
use Poterne::Witness qw(body_digest);

sub start {
    my ( $class, %option ) = @_;
    my $self = bless { sessions => 6, name => 'm', pause => 0.01, %option, pids => [] }, $class;
    make_path( $self->{folder} );
    for my $session ( 1 .. $self->{sessions} ) {
        my $pid = fork // die "fork: $!\n";
        if ( !$pid ) {
            $self->send_on($session);
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    return $self;
}

sub book {
    my ( $self, $session ) = @_;
    return "$self->{folder}/$self->{name}-$session";
}

sub send_on {
    my ( $self, $session ) = @_;
    my ( $stop, $smtp );
    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{INT} = 'IGNORE';
    open my $book, '>', $self->book($session) or die "$!\n";
    for ( my $n = 1 ; !$stop && $n <= ( $self->{count} // 1e15 ) ; $n++ ) {
        my $number = "$self->{name}-$session-$n";
        my ( $from, $to, $message ) = $self->{make}->( $number, $n );
        my $text = "X-Sequence: $number\n$$message";
        sleep 0.1 while !$stop && -e $self->resting;
        until ( $smtp || $stop ) {
            $smtp = eval { Poterne::Smtp->new( port => $self->{port}, timeout => 90 ) };
            sleep 0.1 if !$smtp;
        }
        last if !$smtp;
        my $result = $smtp->send( from => $from, to => [$to], data => \$text );
        syswrite $book, join( "\t", $number, $result->{code}, body_digest( \$text ), $to, $result->{text} =~ s/\s+/ /gr ) . "\n";
        undef $smtp if $result->{code} == 0 || $result->{code} == 421;
        sleep $self->{pause} if $self->{pause};
    }
    $smtp->quit if $smtp;
    return;
}

# Until each has sent its `count`.
sub wait {
    my ($self) = @_;
    waitpid $_, 0 for @{ $self->{pids} };
    $self->{pids} = [];
    return $self->said;
}

# How many answers there are by now; undef when all senders have ended.
sub heard {
    my ($self) = @_;
    $self->{pids} = [ grep { waitpid( $_, WNOHANG ) == 0 } @{ $self->{pids} } ];
    return if !@{ $self->{pids} };
    for my $session ( 1 .. $self->{sessions} ) {
        my $look = $self->{looked}{$session} //= { at => 0, n => 0 };
        open my $book, '<', $self->book($session) or next;
        seek $book, $look->{at}, 0;
        $look->{n}++ while <$book>;
        $look->{at} = tell $book;
    }
    return sum0( map { $_->{n} } values %{ $self->{looked} } );
}

# They begin no new message, until told to go on. (A signal to stand still would end what they are reading, with EINTR.)
sub rest {
    my ($self) = @_;
    open my $file, '>', $self->resting or die "$!\n";
    return;
}

sub go_on {
    my ($self) = @_;
    unlink $self->resting;
    return;
}

sub resting {
    my ($self) = @_;
    return "$self->{folder}/$self->{name}.rest";
}

sub stop {
    my ($self) = @_;
    kill 'TERM', @{ $self->{pids} } if @{ $self->{pids} };
    return $self->wait;
}

sub said {
    my ($self) = @_;
    my %said;
    for my $session ( 1 .. $self->{sessions} ) {
        open my $book, '<', $self->book($session) or next;
        while (<$book>) {
            chomp;
            my ( $number, $code, $digest, $to, $text ) = split /\t/;
            $said{$number} = { code => $code, digest => $digest, to => $to, text => $text };
        }
    }
    return \%said;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    kill 'KILL', $_ for @{ $self->{pids} };
    return;
}

1;
