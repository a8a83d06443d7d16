#!/usr/bin/perl
# Who may send what to whom: each class of network, each port, with a login and without, to our own people and to the
# world. Nobody relays but who has logged in, and private relays in our name. Loopback addresses stand for networks:
# 127.0.0.1 is outside.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Smtp;
use Poterne::Submission;

plan skip_all => Poterne::Submission::missing() if Poterne::Submission::missing();

my $root = tempdir( 'poterne-inside-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $base     = Poterne::Slapd::BASE;
my $secret   = Poterne::Submission::PASSWORD;
my $password = "userPassword: $secret";
my $person   = \&Poterne::Slapd::person;
my $people   = join '', map( {"$_\n"} "dn: cn=policy,$base", 'objectClass: person', 'objectClass: pwdPolicy', 'cn: policy', 'sn: policy',
    'pwdAttribute: userPassword', '' ),
    $person->( 'jean', 'mail: jean@univ.example', $password ), $person->( 'anne', 'mail: anne@univ.example', $password );
my $site = Poterne::Submission->new(
    root     => $root,
    people   => $people,
    settings => {
        gate => { inside => '{ 127.0.0.2 }', relays => '{ 127.0.0.3 }', webmail => '{ 127.0.0.4 }' },
        spam => { required => '0.1' },
    },
);
my $gateway = $site->{gateway};
my %address = ( outside => '127.0.0.1', inside => '127.0.0.2', relay => '127.0.0.3', webmail => '127.0.0.4' );
my @greeting = ('EHLO client.univ.example');

# The code of each answer to RCPT and MAIL.
sub codes {
    my ( $said, @words ) = @_;
    my @lines = $said =~ /^(\d\d\d) [^\n]*$/mg;
    return join ' ', @lines;
}

# --- without a login ---

for my $class ( sort keys %address ) {
    for my $tls ( 0, 1 ) {
        my @mails = (
            [ 'jean@univ.example',      'anne@univ.example',    250 ],
            [ 'someone@world.example',  'anne@univ.example',    250 ],
            [ 'jean@univ.example',      'friend@world.example', $class eq 'relay' ? 250 : 550 ],
            [ 'someone@world.example',  'friend@world.example', 550 ],
            [ 'jean@univ.example.evil', 'friend@world.example', 550 ],
            [ '',                       'friend@world.example', 550 ],
            [ 'jean@univ.example', '@univ.example:friend@world.example', $class eq 'relay' ? 250 : 550 ],
            [ 'jean@univ.example', '"friend@world.example"@univ.example', 550 ],
            [ 'jean@univ.example', 'friend%world.example@univ.example',   550 ],
        );
        my @lines = map { ( "MAIL FROM:<$_->[0]>", "RCPT TO:<$_->[1]>", 'RSET' ) } @mails;
        my @answers;
        if ($tls) {
            my $said = $site->converse( [ smtp => $address{$class} ], @greeting, @lines, 'QUIT' );
            @answers = $said =~ /^250 2\.1\.0 [^\n]*\n(\d\d\d) /mg;
        }
        else {
            my $smtp = Poterne::Smtp->new( port => $gateway->{port}, local => $address{$class} );
            $smtp->put("$_\r\n") && push @answers, ( $smtp->reply )[0] for @greeting, @lines;
            @answers = @answers[ map { 2 + 3 * $_ } 0 .. $#mails ];
        }
        for my $i ( 0 .. $#mails ) {
            my ( $from, $to, $code ) = @{ $mails[$i] };
            is( $answers[$i], $code, "$class, port 25" . ( $tls ? ' over TLS' : '' ) . ", no login: <$from> to <$to>: $code" );
        }
    }
    for my $port (qw(starttls tls)) {
        my $said = $site->converse( [ $port => $address{$class} ], @greeting, 'MAIL FROM:<jean@univ.example>', 'RCPT TO:<anne@univ.example>', 'QUIT' );
        like( $said, qr/^530 5\.7\.0 [^\n]*\n503 /m, "$class, port $port, no login: nothing" );
    }
}

# --- with one ---

for my $class ( sort keys %address ) {
    for my $port (qw(smtp starttls tls)) {
        my $offered = $port ne 'smtp' || $class ne 'outside';
        my $said    = $site->converse( [ $port => $address{$class} ],
            @greeting, Poterne::Submission::plain( 'jean', $secret ), 'MAIL FROM:<someone@world.example>', 'RSET', 'MAIL FROM:<jean@univ.example>',
            'RCPT TO:<anne@univ.example>', 'RCPT TO:<friend@world.example>', 'QUIT' );
        if ($offered) {
            like( $said, qr/^250-AUTH PLAIN LOGIN\r?$/m, "$class, port $port: AUTH is offered over TLS" );
            like( $said, qr/^235 [^\n]*\n550 5\.7\.1 Not an address[^\n]*\n250 [^\n]*\n250 2\.1\.0 [^\n]*\n250 2\.1\.5 [^\n]*\n250 2\.1\.5 /m,
                '… and then it is a submission: his own sender, anybody for a recipient' )
                or diag $said;
        }
        else {
            unlike( $said, qr/AUTH/, "$class, port $port: AUTH is not offered" );
            like( $said, qr/^502 5\.5\.1 [^\n]*\n250 2\.1\.0 [^\n]*\n250 [^\n]*\n250 2\.1\.0 [^\n]*\n250 2\.1\.5 [^\n]*\n550 5\.7\.1 Not a domain/m, '… nor taken' ) or diag $said;
        }
        next if $port eq 'tls';
        my $clear = Poterne::Smtp->new( port => $site->{port}{$port}, local => $address{$class} );
        $clear->put("EHLO client.univ.example\r\n");
        unlike( ( $clear->reply )[1] // '', qr/AUTH/, '… in clear never offered' );
        $clear->put( Poterne::Submission::plain( 'jean', $secret ) . "\r\n" );
        is( ( $clear->reply )[0], $offered ? 538 : 502, '… nor taken' );
        $clear->put( "STARTTLS\r\n" . Poterne::Submission::plain( 'jean', $secret ) . "\r\nMAIL FROM:<jean\@univ.example>\r\n" );
        is( ( $clear->reply )[0], 220, '… and behind STARTTLS' );
        ok( !IO::Select->new( $clear->{socket} )->can_read(0.5), '… what was put in clear is not answered' );
    }
}
my $wrong = $site->converse( [ smtp => '127.0.0.2' ], @greeting, Poterne::Submission::plain( 'jean', 'wrong' ), 'MAIL FROM:<jean@univ.example>', 'RCPT TO:<friend@world.example>', 'QUIT' );
like( $wrong, qr/^535 [^\n]*\n250 2\.1\.0 [^\n]*\n550 5\.7\.1 Not a domain/m, 'a login that failed is none' );

# --- what comes of it ---

my @spam = ( 'From: jean@univ.example', 'Subject: a letter', '', 'Make money fast, click here' );
my $said = $site->converse( [ smtp => '127.0.0.2' ], @greeting, Poterne::Submission::plain( 'jean', $secret ),
    Poterne::Submission::letter( from => 'jean@univ.example', to => ['friend1@world.example'], data => \@spam ), 'QUIT' );
like( $said, qr/^250 2\.0\.0 Accepted as/m, 'a letter of who has logged in on port 25' ) or diag $said;
$said = $site->converse( [ smtp => '127.0.0.2' ], @greeting, Poterne::Submission::plain( 'jean', $secret ),
    Poterne::Submission::letter( from => 'jean@univ.example', data => [ 'From: anne@univ.example', '', 'x' ] ), 'QUIT' );
like( $said, qr/^550 5\.7\.1 From or Sender is not an address that you may write from: anne\@univ\.example/m, '… whose From is looked at' );
my $relay = Poterne::Smtp->new( port => $gateway->{port}, local => '127.0.0.3' );
my $result = $relay->send( from => 'anne@univ.example', to => ['friend2@world.example'], data => \join( '', map {"$_\r\n"} @spam ) );
is( $result->{code}, 250, 'a letter of a private relay' );
ok( $gateway->wait_for_empty_queue, 'both leave' );
my ($first)  = $site->{world}->messages('friend1@world.example');
my ($second) = $site->{world}->messages('friend2@world.example');
like( $first  // '', qr/^Received: from client\.univ\.example [^\n]*\n\s+\(using TLS[^)]*\)\s+by mx\.poterne\.example \(poterne\) with ESMTPSA id/m, 'the one with its login' );
like( $first  // '', qr/^Subject: a letter\r?$/m, '… and not tagged' );
like( $second // '', qr/^Received: from [^\n]*\[127\.0\.0\.3\]/m, 'the other' );

# --- the setting ---

$gateway->write_conf( $gateway->conf_text =~ s/^submission \{\n/submission {\n    inside = no\n/mr );
ok( $gateway->reload, 'inside = no' );
$said = $site->converse( [ smtp => '127.0.0.2' ], @greeting, Poterne::Submission::plain( 'jean', $secret ), 'QUIT' );
like( $said, qr/^502 /m, 'nobody logs in on port 25' );
is( $site->stop, 0, 'the gateway ends well' );
done_testing();
