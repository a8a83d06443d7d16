# A gateway that people log in to, with their passwords in a slapd and a world to write to, and ways to talk to it:
#     my $site = Poterne::Submission->new( root => $root, people => $ldif, ldap => {…}, settings => {…}, more => $text );
#     my $said = $site->converse( tls => 'EHLO c', Poterne::Submission::plain( 'jean', PASSWORD ), 'QUIT' );
# Ports: starttls (587), tls (465), smtp (25).
package Poterne::Submission;

use strict;
use warnings;

use MIME::Base64 qw(encode_base64);

use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Process qw(free_port command_output);
use Poterne::Sink;
use Poterne::Slapd;

use constant { PASSWORD => 'Correct-Horse-7' };

# Why it can't be there; undef: it can.
sub missing {
    return 'slapd is not installed' if !Poterne::Slapd::there();
    return 'openssl is not installed' if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};
    return;
}

sub make_certificate {
    my ($root) = @_;
    my ( $failed, $why ) = command_output( qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2),
        '-subj', '/CN=mx.poterne.example', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', "$root/key.pem", '-out', "$root/cert.pem" );
    die "openssl makes no certificate: $why\n" if $failed;
    chmod 0644, "$root/key.pem";
    return;
}

sub new {
    my ( $class, %option ) = @_;
    my $root = $option{root};
    my $self = bless { root => $root, calls => 0 }, $class;
    make_certificate($root);
    $self->{slapd} = Poterne::Slapd->new( "$root/slapd", $option{people}, ppolicy => 1 );
    $self->{world} = Poterne::Sink->start( root => "$root/world", smtp => 1 );
    $self->{port} = { map { $_ => free_port() } qw(starttls tls) };
    my %ldap = (
        identities => 'maySendAs', connect_timeout => '1s', timeout => '5s', snapshot => '0',
        login => '"(|(mail=%a)(mailAlternateAddress=%a)(uid=%u))"', %{ $option{ldap} // {} }
    );
    my %settings = %{ $option{settings} // {} };
    $self->{gateway} = Poterne::Gateway->new(
        root     => "$root/gateway",
        sections => "\nldap staff {\n" . $self->{slapd}->settings(%ldap) . "}\n",
        settings => {
            %settings,
            directory  => { cache_fresh => '1s', cache_negative => '1s', subaddress => '"+"', %{ $settings{directory} // {} } },
            smtp       => { tls_certificate => qq("$root/cert.pem"), tls_key => qq("$root/key.pem"), %{ $settings{smtp} // {} } },
            submission => {
                listen        => "{ 127.0.0.1:$self->{port}{starttls} }",
                listen_tls    => "{ 127.0.0.1:$self->{port}{tls} }",
                failure_delay => '0',
                %{ $settings{submission} // {} },
            },
            outside => { next_hop => qq("smtp://127.0.0.1:$self->{world}{port}"), %{ $settings{outside} // {} } },
        },
        domains => {
            'univ.example' => { next_hop => Poterne::Gateway::maildir_hop("$root/gateway"), recipients => ['# none'], directory => 'ldap staff' },
            %{ $option{domains} // {} },
        },
    );
    $self->{gateway}->start;
    $self->{port}{smtp} = $self->{gateway}{port};
    return $self;
}

sub stop {
    my ($self) = @_;
    my $status = $self->{gateway}->stop;
    $self->{slapd}->stop;
    return $status;
}

# What the server says to these lines, sent over TLS in one go; a client address may be chosen: [ tls => '127.0.0.2' ].
sub converse {
    my ( $self, $to, @lines ) = @_;
    my ( $name, $from ) = ref $to ? @$to : $to;
    my $input = "$self->{root}/input" . ++$self->{calls};
    write_file( $input, join '', map { "$_\r\n" } @lines );
    my $start = $name eq 'tls' ? '' : '-starttls smtp';
    my $bind = $from ? "-bind $from:0" : '';
    my $said = `timeout 60 openssl s_client -connect 127.0.0.1:$self->{port}{$name} $bind $start -quiet < $input 2>&1`;
    unlink $input;
    return $said;
}

sub plain {
    my ( $user, $password ) = @_;
    return 'AUTH PLAIN ' . encode_base64( "\0$user\0$password", '' );
}

# A whole letter, as lines after AUTH; data: the lines of the message.
sub letter {
    my (%option) = @_;
    my $from = $option{from} // 'jean.toto@univ.example';
    my @data = @{ $option{data} // [ "From: $from", 'Subject: a letter', '', 'Hello' ] };
    return ( "MAIL FROM:<$from>", ( map { "RCPT TO:<$_>" } @{ $option{to} // ['friend@world.example'] } ), 'DATA', @data, '.' );
}

1;
