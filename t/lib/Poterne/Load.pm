# Mail without end over several sessions at once, while a test does harm to the gateway; and what
# each message was answered. Every message has a number of its own on top (X-Sequence).
package Poterne::Load;

use strict;
use warnings;

use POSIX ();
use Time::HiRes qw(sleep);

use Poterne::Mail qw(letter);
use Poterne::Smtp;

# Options: port, to (an address), sessions, prefix (of the numbers), pause (seconds between two messages of a session).
sub start {
    my ( $class, %option ) = @_;
    my $self = bless { sessions => 8, prefix => '', pause => 0.01, %option, children => [] }, $class;
    for my $session ( 1 .. $self->{sessions} ) {
        my $pid = open( my $pipe, '-|' ) // die "fork: $!\n";
        if ( !$pid ) {
            $self->send_on($session);
            close STDOUT;
            POSIX::_exit(0);
        }
        push @{ $self->{children} }, [ $pid, $pipe ];
    }
    return $self;
}

sub send_on {
    my ( $self, $session ) = @_;
    my ( $stop, $smtp, @said );
    local $SIG{TERM} = sub { $stop = 1 };
    local $SIG{INT} = 'IGNORE';
    for ( my $n = 1 ; !$stop ; $n++ ) {
        my $sequence = "$self->{prefix}$session-$n";
        my $message = "X-Sequence: $sequence\n" . letter( $self->{to} );
        $smtp //= eval { Poterne::Smtp->new( port => $self->{port}, timeout => 90 ) };
        my $result =
            $smtp
            ? $smtp->send( from => 'load@remote.example', to => [ $self->{to} ], data => \$message )
            : { code => 0, text => 'no connection' };
        push @said, join( "\t", $sequence, $result->{code}, $result->{text} =~ s/\s+/ /gr, $result->{waited} // '' ) . "\n";
        undef $smtp if $result->{code} == 0 || $result->{code} == 421;
        sleep( $result->{code} == 0 ? 0.2 : $self->{pause} );
    }
    print @said;    # only now: nobody reads before stop(), and a pipe that is full would end the load
    return;
}

# { sequence => [code, text, seconds from the end of data to the answer] } of all that was sent.
sub stop {
    my ($self) = @_;
    my %answers;
    kill 'TERM', map { $_->[0] } @{ $self->{children} };
    for my $child ( @{ $self->{children} } ) {
        my $pipe = $child->[1];
        while (<$pipe>) {
            chomp;
            my ( $sequence, @answer ) = split /\t/;
            $answers{$sequence} = \@answer;
        }
        close $pipe;
    }
    $self->{children} = [];
    return \%answers;
}

sub DESTROY {
    my ($self) = @_;
    local $?;
    kill 'KILL', $_->[0] for @{ $self->{children} };
    return;
}

1;
