# A next hop that does one thing wrong at one step, until it is told to behave (heal), and keeps each
# message that it has taken in a file. Steps: greeting, hello, starttls, mail, rcpt, data, body (in the
# middle of the message), final, quit.
#     stall     no answer, ever                 close     no answer, and it hangs up
#     nonsense  an answer that is none          endless   an answer of lines without end
#     drip      an answer, a byte at a time     early     more answers than there were questions
#     lost      (final) the message is kept, and its answer never comes
#     NNN …     that answer
# `pause` (seconds) is waited before each answer, whatever it is; with `holds` no answer is given, the greeting among them,
# before it is healed. `times` has a line for each message: the last word of its
# subject, and when it was taken.
package Poterne::Faulty;

use strict;
use warnings;

use File::Path qw(make_path);
use IO::Select;
use Time::HiRes qw(sleep time);

use Poterne::Process qw(free_port start_server stop_server);

use constant { DRIP_SECONDS => 0.2, LOOK_SECONDS => 0.1, LONGEST => 600, ENDLESS_LINES => 100_000 };

# Options: root (folder), port, host, at, does, pause, holds, starttls (it is offered).
sub start {
    my ( $class, %option ) = @_;
    my $self = bless { host => '127.0.0.1', at => '', does => '', pause => 0, %option }, $class;
    $self->{port} //= free_port();
    make_path("$self->{root}/messages");
    $self->{pid} = start_server(
        $self->{host},
        $self->{port},
        sub {
            my ($client) = @_;
            $SIG{PIPE} = 'IGNORE';
            alarm LONGEST;
            $client->autoflush(1);
            $self->note('connections');
            $self->serve($client);
        }
    );
    return $self;
}

# At once, whoever else writes there.
sub note {
    my ( $self, $what, $text ) = @_;
    open my $file, '>>', "$self->{root}/$what" or die "$!\n";
    syswrite $file, $text // '.';
    close $file or die "$!\n";
    return;
}

sub connections {
    my ($self) = @_;
    return -s "$self->{root}/connections" // 0;
}

sub heal {
    my ($self) = @_;
    $self->note('healed');
    return;
}

sub is_faulty_at {
    my ( $self, $step ) = @_;
    return $self->{at} eq $step && !-e "$self->{root}/healed";
}

sub wait_for_end {
    my ($client) = @_;
    my $bytes;
    1 while sysread $client, $bytes, 65536;
    return;
}

# False: nothing more is to be said.
sub do_wrong {
    my ( $self, $client ) = @_;
    my $does = $self->{does};
    if ( $does eq 'close' ) {
        return 0;
    }
    if ( $does =~ /^\d{3}/ ) {
        print {$client} "$does\r\n";
        return $does !~ /^421/;
    }
    if ( $does eq 'nonsense' ) {
        print {$client} "Once upon a time\r\n";
    }
    elsif ( $does eq 'endless' ) {
        print {$client} "250-and so on\r\n" or return 0 for 1 .. ENDLESS_LINES;
    }
    elsif ( $does eq 'drip' ) {
        while ( print {$client} '2' ) {
            sleep DRIP_SECONDS;
        }
        return 0;
    }
    elsif ( $does eq 'early' ) {
        print {$client} "250 2.0.0 Ok\r\n" x 3;
    }
    wait_for_end($client);
    return 0;
}

# The answer, or what is done in its place; false: nothing more is to be said.
sub answer {
    my ( $self, $client, $step, @lines ) = @_;
    sleep $self->{pause} if $self->{pause};
    sleep LOOK_SECONDS while $self->{holds} && !-e "$self->{root}/healed";
    return $self->do_wrong($client) if $self->is_faulty_at($step);
    print {$client} map { "$_\r\n" } @lines or return 0;
    return 1;
}

sub serve {
    my ( $self, $client ) = @_;
    my ( $to, $n ) = ( '', 0 );
    $self->answer( $client, 'greeting', '220 faulty ESMTP' ) or return;
    while ( defined( my $line = <$client> ) ) {
        my ($verb) = uc($line) =~ /^(\w+)/;
        $verb //= '';
        ($to) = $line =~ /<([^>]*)>/ if $verb eq 'RCPT';
        if ( $verb eq 'DATA' ) {
            $self->answer( $client, 'data', '354 Go on' ) or return;
            next if $self->is_faulty_at('data');
            $self->take( $client, $to, ++$n ) or return;
            next;
        }
        my @answer =
              $verb eq 'EHLO'     ? ( 'hello', '250-faulty', $self->{starttls} ? '250-STARTTLS' : (), '250 8BITMIME' )
            : $verb eq 'STARTTLS' ? ( 'starttls', '454 4.7.0 Not now' )
            : $verb eq 'QUIT'     ? ( 'quit', '221 2.0.0 Bye' )
            :                       ( lc $verb, '250 2.0.0 Ok' );
        $self->answer( $client, @answer ) or return;
        return if $verb eq 'QUIT';
    }
    return;
}

sub take {
    my ( $self, $client, $to, $n ) = @_;
    my $message = '';
    while (1) {
        my $line = <$client> // return 0;
        last if $line eq ".\r\n";
        $message .= $line;
        return $self->do_wrong($client) if $self->is_faulty_at('body');
    }
    my $fails = $self->is_faulty_at('final');
    if ( !$fails || $self->{does} eq 'lost' ) {
        open my $file, '>', "$self->{root}/messages/$to.$$.$n" or die "$!\n";
        print {$file} $message;
        close $file or die "$!\n";
        $self->note( 'times', sprintf "%s %.6f\n", $message =~ /^Subject:.*?(\S+)\r?$/mi ? $1 : '-', time );
    }
    return 0 if $fails && $self->{does} eq 'lost';
    return $self->answer( $client, 'final', '250 2.0.0 Kept' );
}

# The files of what was taken for an address (all: for anybody).
sub taken {
    my ( $self, $address ) = @_;
    my @paths = glob "$self->{root}/messages/" . ( $address // '' ) . '*';
    return @paths;
}

# { subject => when it was taken }
sub times {
    my ($self) = @_;
    open my $file, '<', "$self->{root}/times" or return {};
    return { map { split } <$file> };
}

sub stop {
    my ($self) = @_;
    stop_server( delete $self->{pid} );
    return;
}

1;
