# A small SMTP and LMTP client over core modules: what the tests and ./demo send mail with.
#     my $smtp = Poterne::Smtp->new( port => 2525 );
#     my $result = $smtp->send( from => 'a@b.example', to => ['c@d.example'], data => \$message );
# A result is { stage, code, text, rcpt => { address => [code, text] }, replies => [[code, text]…], waited }:
# the stage is where it ended ("connect" "helo" "mail" "rcpt" "data" "end"); waited: seconds from the end
# of the data to its answer.
package Poterne::Smtp;

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use Time::HiRes ();

use constant { TIMEOUT => 120, LINE_MAX => 65536 };

# Options: host, port, timeout (seconds), helo, lmtp, local (address to come from). Dies when nobody answers.
sub new {
    my ( $class, %option ) = @_;
    my $self = bless {
        timeout => TIMEOUT,
        helo    => 'client.test.example',
        host    => '127.0.0.1',
        in      => '',
        %option
    }, $class;
    $self->{socket} = IO::Socket::INET->new(
        PeerAddr => $self->{host},
        PeerPort => $self->{port},
        Proto    => 'tcp',
        Timeout  => $self->{timeout},
        $self->{local} ? ( LocalAddr => $self->{local} ) : (),
    ) or die "no connection to $self->{host}:$self->{port}: $@\n";
    @{$self}{qw(code text)} = $self->reply;
    return $self;
}

# Bytes as they are.
sub put {
    my ( $self, $bytes ) = @_;
    local $SIG{PIPE} = 'IGNORE';
    my $sent = 0;
    while ( $sent < length $bytes ) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $sent, $sent;
        return 0 if !defined $n;
        $sent += $n;
    }
    return 1;
}

# Within the timeout, whatever signals come.
sub readable {
    my ($self) = @_;
    my $end = time + $self->{timeout};
    while ( ( my $left = $end - time ) > 0 ) {
        return 1 if IO::Select->new( $self->{socket} )->can_read($left);
    }
    return 0;
}

# One line without its end; undef when the server has hung up or says nothing in time.
sub line {
    my ($self) = @_;
    while ( $self->{in} !~ /\n/ ) {
        return if length $self->{in} > LINE_MAX;
        return if !$self->readable;
        my $n = sysread $self->{socket}, $self->{in}, 65536, length $self->{in};
        return if !$n;
    }
    $self->{in} =~ s/\A([^\n]*?)\r?\n//;
    return $1;
}

# (code, text) of one reply, lines joined by LF; code 0: the server is gone.
sub reply {
    my ($self) = @_;
    my @text;
    while ( defined( my $line = $self->line ) ) {
        my ( $code, $more, $text ) = $line =~ /^(\d{3})([ -]?)(.*)$/ or return ( 0, "no reply: $line" );
        push @text, $text;
        return ( $code, join "\n", @text ) if $more ne '-';
    }
    return ( 0, 'connection lost' );
}

sub command {
    my ( $self, $line ) = @_;
    $self->put("$line\r\n") or return ( 0, 'connection lost' );
    return $self->reply;
}

sub hello {
    my ($self) = @_;
    return if $self->{greeted}++;
    my @reply = $self->command( ( $self->{lmtp} ? 'LHLO ' : 'EHLO ' ) . $self->{helo} );
    $self->{extensions} = $reply[1];
    return @reply;
}

# A message as DATA carries it: CR LF everywhere, dots doubled, the final dot.
sub dotted {
    my ($message) = @_;
    ( my $text = $$message ) =~ s/\r?\n/\r\n/g;
    $text .= "\r\n" if $text !~ /\r\n\z/;
    $text =~ s/^\./../mg;
    return $text . ".\r\n";
}

# Options: from, to => [addresses], data => \message, parameters (behind MAIL FROM), size (declared).
sub send {
    my ( $self, %mail ) = @_;
    my %result = ( stage => 'connect', code => $self->{code}, text => $self->{text}, rcpt => {} );
    my $ended = sub {
        @result{qw(stage code text)} = @_;
        return $result{code} !~ /^[23]/;
    };
    return \%result if $self->{code} !~ /^2/;
    if ( my @reply = $self->hello ) {
        return \%result if $ended->( 'helo', @reply );
    }
    my $parameters = $mail{parameters} ? " $mail{parameters}" : '';
    return \%result if $ended->( 'mail', $self->command("MAIL FROM:<$mail{from}>$parameters") );
    my @accepted;
    for my $address ( @{ $mail{to} } ) {
        my @reply = $self->command("RCPT TO:<$address>");
        $result{rcpt}{$address} = \@reply;
        push @accepted, $address if $reply[0] =~ /^2/;
        $ended->( 'rcpt', @reply );
    }
    if ( !@accepted ) {
        $self->command('RSET');
        return \%result;
    }
    return \%result if $ended->( 'data', $self->command('DATA') );
    $self->put( dotted( $mail{data} ) );
    my $sent = Time::HiRes::time();
    my @replies = map { [ $self->reply ] } $self->{lmtp} ? @accepted : 1;
    $result{waited} = Time::HiRes::time() - $sent;
    $result{replies} = \@replies;
    $ended->( 'end', @{ $replies[-1] } );
    return \%result;
}

sub quit {
    my ($self) = @_;
    my @reply = $self->command('QUIT');
    close $self->{socket};
    return @reply;
}

1;
