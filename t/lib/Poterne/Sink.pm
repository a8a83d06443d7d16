# A next hop that does as a test says: an LMTP server which keeps each message in a file, and whose
# answer to a recipient is in the recipient's name.
#     later-3@…   451 the first three times          never@…   550          other@…   250
package Poterne::Sink;

use strict;
use warnings;

use File::Path qw(make_path);

use Poterne::Process qw(free_port start_server stop_server);

# Options: root (folder), port, host; smtp (it speaks SMTP, and its answer to a message is one), greeting,
# broken_tls (STARTTLS is offered, and what follows is no TLS), tls ({ certificate, key }: STARTTLS is offered),
# requiretls (REQUIRETLS is offered over TLS), dsn (DSN is offered).
sub start {
    my ( $class, %option ) = @_;
    my $self = bless { host => '127.0.0.1', %option }, $class;
    $self->{port} //= free_port();
    $self->{greeting} //= $self->{smtp} ? '220 sink ESMTP' : '220 sink LMTP';
    make_path( map { "$self->{root}/$_" } qw(messages refused) );
    $self->{pid} = start_server( $self->{host}, $self->{port}, sub { $self->serve(@_) } );
    return $self;
}

# The answer to a recipient now; one who is to come later is counted by a file a try.
sub answer_to {
    my ( $self, $address ) = @_;
    return '550 5.1.1 Never' if $address =~ /^never/;
    return '250 2.1.5 Ok' if $address !~ /^later-(\d+)/;
    my $tries = () = glob "$self->{root}/refused/$address.*";
    return '250 2.1.5 Ok' if $tries >= $1;
    open my $file, '>', "$self->{root}/refused/$address.$tries" or die "$!\n";
    close $file;
    return '451 4.2.0 Later';
}

sub serve {
    my ( $self, $client ) = @_;
    my ( @to, $n, $secured );
    my $say = sub { print {$client} "$_[0]\r\n" };
    $say->( $self->{greeting} );
    while ( defined( my $line = <$client> ) ) {
        $line =~ s/\r?\n\z//;
        $self->note($line) if $line =~ /^MAIL/i || $self->{dsn} && $line =~ /^RCPT/i;
        if ( $line =~ ( $self->{smtp} ? qr/^EHLO/i : qr/^LHLO/i ) ) {
            $say->($_) for '250-sink', $self->{broken_tls} || $self->{tls} && !$secured ? '250-STARTTLS' : (),
                $self->{requiretls} && $secured ? '250-REQUIRETLS' : (), $self->{dsn} ? '250-DSN' : (), '250-PIPELINING', '250 8BITMIME';
        }
        elsif ( $line =~ /^RCPT TO:<([^>]*)>/i ) {
            my $address = $1;
            my $answer = $self->answer_to($address);
            push @to, $address if $answer =~ /^2/;
            $say->($answer);
        }
        elsif ( $line =~ /^STARTTLS/i && $self->{tls} ) {
            $say->('220 Go on');
            require IO::Socket::SSL;
            $secured = IO::Socket::SSL->start_SSL( $client, SSL_server => 1, SSL_cert_file => $self->{tls}{certificate}, SSL_key_file => $self->{tls}{key} )
              or return;
        }
        elsif ( $line =~ /^STARTTLS/i ) {
            $say->($_) for '220 Go on', 'this is no TLS';
            return;
        }
        elsif ( $line =~ /^DATA/i ) {
            $say->( @to ? '354 Go on' : '503 5.5.1 Nobody' );
            $self->keep( $client, $say, \@to, ++$n ) if @to;
            @to = ();
        }
        else {
            @to = () if $line =~ /^(?:MAIL|RSET)/i;
            $say->( $line =~ /^QUIT/i ? '221 2.0.0 Bye' : '250 2.0.0 Ok' );
            return if $line =~ /^QUIT/i;
        }
    }
    return;
}

# Each MAIL command that came, a line each; with dsn each RCPT, too.
sub note {
    my ( $self, $line ) = @_;
    open my $file, '>>', "$self->{root}/commands" or die "$!\n";
    print {$file} "$line\n";
    close $file or die "$!\n";
    return;
}

sub mail_commands {
    my ($self) = @_;
    return grep { /^MAIL/i } $self->commands;
}

sub commands {
    my ($self) = @_;
    open my $file, '<', "$self->{root}/commands" or return;
    chomp( my @lines = <$file> );
    return @lines;
}

# A file for each recipient, complete once it has its name.
sub keep {
    my ( $self, $client, $say, $to, $n ) = @_;
    my $message = '';
    while (1) {
        my $line = <$client> // return;
        last if $line eq ".\r\n";
        $line =~ s/^\.//;
        $message .= $line;
    }
    for my $address (@$to) {
        my $path = "$self->{root}/messages/$address." . "$$.$n";
        open my $file, '>', "$path.part" or die "$path: $!\n";
        print {$file} $message;
        close $file or die "$path: $!\n";
        rename "$path.part", $path or die "$path: $!\n";
        $say->('250 2.0.0 Kept') if !$self->{smtp};
    }
    $say->('250 2.0.0 Kept') if $self->{smtp};
    return;
}

# What came for an address.
sub messages {
    my ( $self, $address ) = @_;
    my @messages;
    my $pattern = $address =~ s/([\[\]])/\\$1/gr;
    for my $path ( grep { !/\.part$/ } glob "$self->{root}/messages/$pattern.*" ) {
        open my $file, '<', $path or die "$path: $!\n";
        local $/;
        push @messages, scalar <$file>;
    }
    return @messages;
}

sub stop {
    my ($self) = @_;
    stop_server( delete $self->{pid} );
    return;
}

1;
