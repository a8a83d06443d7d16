# A next hop that swears to what it has taken: an SMTP server which, before it says 250, writes down a message's number
# (X-Sequence), its recipient and the digest of its whole body into a file that outlives everybody, and afterwards
# whether the other side went on in the session, that is, has read the 250. Who goes away without another word may not
# have read it: RFC 5321 lets him come again with the same message.
# Mail for never@… is refused for good at RCPT.
#
# Copies stand in the order in which their last bytes came, not in that in which they were written down: a message of
# somebody who was killed meanwhile may wait in the kernel until this server has its turn, while who was started instead
# of him has brought another copy already.
package Poterne::Witness;

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use Exporter 'import';
use File::Path qw(make_path);
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_INFO);
use Time::HiRes qw(time);

use Poterne::Process qw(free_port start_server stop_server);

our @EXPORT_OK = qw(body_digest number_of);

use constant LAST_DATA_RECV => 52;    # where tcpi_last_data_recv stands in Linux' struct tcp_info: u32, milliseconds ago

# Of the body, whatever its lines end in.
sub body_digest {
    my ($text) = @_;
    my ($body) = $$text =~ /\r?\n\r?\n(.*)\z/s;
    return sha256_hex( ( $body // '' ) =~ tr/\r//dr );
}

# In a bounce it stands in the header that is quoted.
sub number_of {
    my ($text) = @_;
    return $$text =~ /^X-Sequence: (\S+)/m ? $1 : undef;
}

# Options: root (folder), port.
sub start {
    my ( $class, %option ) = @_;
    my $self = bless {%option}, $class;
    $self->{port} //= free_port();
    make_path( $self->{root} );
    $self->{book} = "$self->{root}/book";
    $self->{pid} = start_server( '127.0.0.1', $self->{port}, sub { $self->serve(@_) } );
    return $self;
}

# When the last bytes that have come were received by the kernel.
sub came_at {
    my ($client) = @_;
    my $info = getsockopt( $client, IPPROTO_TCP, TCP_INFO ) // die "TCP_INFO: $!\n";
    return time - unpack( 'x' . LAST_DATA_RECV . ' L', $info ) / 1000;
}

sub note {
    my ( $self, @words ) = @_;
    my $line = join( ' ', @words ) . "\n";
    syswrite( $self->{handle}, $line ) == length $line or POSIX::_exit(1);    # no witness, no 250
    return;
}

sub serve {
    my ( $self, $client ) = @_;
    open $self->{handle}, '>>', $self->{book} or POSIX::_exit(1);
    my ( @to, $kept, $n );
    my $session = sprintf '%d-%.6f', $$, time;    # a number of a process comes again after thousands of them
    my $say = sub { print {$client} "$_[0]\r\n" };
    $say->('220 witness ESMTP');
    while ( defined( my $line = <$client> ) ) {
        $self->note( 'heard', $kept ) if $kept;
        undef $kept;
        if ( $line =~ /^EHLO/i ) {
            $say->($_) for '250-witness', '250-PIPELINING', '250 8BITMIME';
        }
        elsif ( $line =~ /^RCPT TO:<([^>]*)>/i ) {
            my $address = $1;
            push @to, $address if $address !~ /^never/;
            $say->( $address =~ /^never/ ? '550 5.1.1 Never' : '250 2.1.5 Ok' );
        }
        elsif ( $line =~ /^DATA/i ) {
            $say->( @to ? '354 Go on' : '503 5.5.1 Nobody' );
            next if !@to;
            my $message = whole($client) // return;
            $kept = "$session." . ++$n;
            my $came = came_at($client);
            $self->note( 'kept', $kept, number_of( \$message ) // '-', body_digest( \$message ), time, $came, @to );
            @to = ();
            $say->('250 2.0.0 Kept');
        }
        else {
            @to = () if $line =~ /^(?:MAIL|RSET)/i;
            $say->( $line =~ /^QUIT/i ? '221 2.0.0 Bye' : '250 2.0.0 Ok' );
            return if $line =~ /^QUIT/i;
        }
    }
    return;
}

# A message up to its final dot; undef: it was not to come to its end.
sub whole {
    my ($client) = @_;
    my @lines;
    while ( defined( my $line = <$client> ) ) {
        return join '', @lines if $line eq ".\r\n";
        push @lines, $line =~ s/^\.//r;
    }
    return;
}

# { number => [ { digest, time (of writing it down), came, heard, to }, … ] }, in the order in which they came.
sub kept {
    my ($self) = @_;
    my ( %kept, %heard );
    open my $file, '<', $self->{book} or return {};
    while (<$file>) {
        my ( $what, $id, $number, $digest, $time, $came, @to ) = split;
        if ( $what eq 'heard' ) {
            $heard{$id}++;
            next;
        }
        push @{ $kept{$number} }, { id => $id, digest => $digest, time => $time, came => $came, to => \@to };
    }
    for my $copies ( values %kept ) {
        $_->{heard} = $heard{ $_->{id} } // 0 for @$copies;
        @$copies = sort { $a->{came} <=> $b->{came} } @$copies;
    }
    return \%kept;
}

sub stop {
    my ($self) = @_;
    stop_server( delete $self->{pid} );
    return;
}

1;
