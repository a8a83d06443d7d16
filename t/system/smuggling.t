#!/usr/bin/perl
# Between two messages stands what some server somewhere takes for the end of the first. One message
# goes in and one comes out, with both within: through the gateway alone (LMTP to Dovecot) and
# through a Postfix behind it that is as lax as it can be told to be. The payloads are those of others
# (../shared/data), and every mixture of line end, dot and line end that we could think of; each
# comes by DATA, in one piece and byte by byte, and by BDAT, in one chunk and cut within the payload.
use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(decode_base64);
use Test::More;
use lib 't/lib';
use Poterne::Data;
use Poterne::Dovecot;
use Poterne::Gateway;
use Poterne::Postfix;
use Poterne::Process qw(wait_until);
use Poterne::Tree qw(slurp);

plan skip_all => 'Dovecot (dovecot-lmtpd, dovecot-imapd) is not installed' if !Poterne::Dovecot->there;

my %payloads;
my $suite = Poterne::Data::suite('smuggling');
if ($suite) {
    my %theirs = slurp("$suite/payloads.yaml") =~ /^- id: (\S+)\n\s+bytes_b64: "([^"]*)"/mg;
    $payloads{"theirs-$_"} = decode_base64( $theirs{$_} ) for keys %theirs;
}
else {
    diag('the payloads of ../shared/data are absent: only our own are sent');
}
my %part = ( crlf => "\r\n", lf => "\n", cr => "\r", nul => "\0", crcrlf => "\r\r\n", crnullf => "\r\0\n", lfcr => "\n\r", ff => "\f" );
my %dot = ( dot => '.', dotnul => ".\0", nuldot => "\0.", dots => '..', dotblank => '. ' );
for my $before ( sort keys %part ) {
    for my $after ( sort keys %part ) {
        $payloads{"$before-$_-$after"} = $part{$before} . $dot{$_} . $part{$after} for $before eq $after ? sort keys %dot : 'dot';
    }
}
delete $payloads{'crlf-dot-crlf'};    # the end of a message
$payloads{'crlf-dot-crlf-nul'} = "\r\n.\r\n\0";
$payloads{'bdat-last'} = "\nBDAT 0 LAST\r\n";
$payloads{'bdat-last-cr'} = "\r.\rBDAT 0 LAST\r\n";
$payloads{'long-line'} = 'x' x 4000 . "\n.\r\n";
$payloads{'at-4096'} = 'y' x ( 4096 - 40 ) . "\r\r\n.\r\r\n";

my $root = tempdir( 'poterne-smuggling-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $root;
my $dovecot = Poterne::Dovecot->start("$root/dovecot");
my @names = sort keys %payloads;
my %number = map { $names[$_] => $_ } 0 .. $#names;
my @forms = qw(data drip chunk chunks);

sub address_of {
    my ( $form, $name, $domain ) = @_;
    return "$form-$number{$name}\@$domain";
}

my %postfix;
if ( Poterne::Postfix->there ) {
    my ($knows_lax) = grep {/^smtpd_forbid_bare_newline /} `/usr/sbin/postconf -d smtpd_forbid_bare_newline 2>/dev/null`;
    my $server = Poterne::Postfix->start(
        root       => "$root/postfix",
        domain     => 'postfix.example',
        protocol   => 'lmtp',
        sink       => $dovecot->{lmtp},
        recipients => ['@postfix.example'],
        more       => $knows_lax ? 'smtpd_forbid_bare_newline = no' : ''
    );
    %postfix = ( server => $server );
}
my @domains = ( 'dovecot.example', %postfix ? 'postfix.example' : () );
my %hop = (
    'dovecot.example' => "lmtp://127.0.0.1:$dovecot->{lmtp}",
    %postfix ? ( 'postfix.example' => "smtp://127.0.0.1:$postfix{server}{port}" ) : (),
);
my $gateway = Poterne::Gateway->new(
    root     => "$root/gateway",
    settings => { smtp => { errors_limit => 1000 } },
    domains  => { map { $_ => { next_hop => $hop{$_}, recipients => ["\@$_"] } } @domains }
)->start;

# What stands behind the payload, if that were an end.
sub second {
    my ($to) = @_;
    return "MAIL FROM:<attacker\@evil.example>\r\nRCPT TO:<$to>\r\nDATA\r\nSubject: smuggled\r\n\r\nsecond\r\n.\r\nQUIT\r\n";
}

my %put = (
    data => sub {
        my ( $client, $message, $rest ) = @_;
        $client->command('DATA');
        $client->put( $message . $rest );
    },
    drip => sub {
        my ( $client, $message, $rest ) = @_;
        $client->command('DATA');
        setsockopt $client->{socket}, 6, 1, 1;    # TCP_NODELAY
        my $cut = length($message) > 60 ? length($message) - 60 : 0;
        $client->put($_) for substr( $message, 0, $cut ), split //, substr $message, $cut;
        $client->put($rest);
    },
    chunk => sub {
        my ( $client, $message, $rest ) = @_;
        $client->put( 'BDAT ' . length( $message . $rest ) . " LAST\r\n$message$rest" );
    },
    chunks => sub {
        my ( $client, $message, $rest ) = @_;
        my $cut = length($message) - 2;
        $client->put( "BDAT $cut\r\n" . substr( $message, 0, $cut ) . 'BDAT ' . length( substr( $message, $cut ) . $rest ) . " LAST\r\n"
                . substr( $message, $cut ) . $rest );
    },
);

# The codes that were said from the message on.
sub send_payload {
    my ( $form, $name, $to ) = @_;
    my $client = $gateway->smtp( timeout => 20 );
    $client->hello;
    $client->command('MAIL FROM:<first@remote.example>');
    $client->command("RCPT TO:<$to>");
    my $message = "Subject: outer $name\r\n\r\nfirst$payloads{$name}";
    $put{$form}->( $client, $message, second($to) );
    $client->put("QUIT\r\n") if $form =~ /chunk/;
    my @lines;
    while ( defined( my $line = $client->line ) ) {
        push @lines, $line;
    }
    return @lines;
}

for my $domain (@domains) {
    for my $form (@forms) {
        my @wrong;
        for my $name (@names) {
            my @lines = send_payload( $form, $name, address_of( $form, $name, $domain ) );
            my $accepted = grep {/^250 .* Accepted as /} @lines;
            push @wrong, "$name: $accepted accepted: " . join ' | ', @lines if $accepted != 1;
        }
        is( "@wrong", '', "$domain, $form: one is accepted for each of " . scalar @names );
    }
}
ok( $gateway->wait_for_empty_queue(120), 'the queue gets empty' );

sub arrived {
    my ($user) = @_;
    return map { slurp($_) } glob "$root/dovecot/mail/$user/{new,cur}/*";
}

for my $domain (@domains) {
    for my $form (@forms) {
        my ( @count, @damaged );
        for my $name (@names) {
            my $user = address_of( $form, $name, $domain );
            wait_until( 60, sub { arrived($user) >= 1 } );
            my @messages = arrived($user);
            push @count, "$name: " . scalar @messages if @messages != 1;
            push @damaged, $name
                if grep { !/^Subject: (?:\[SPAM\] )?outer \Q$name\E$/m || !/^Return-Path: <first\@/m || /[\0\r]/ } @messages;
        }
        is( "@count",   '', "$domain, $form: one comes out for each" );
        is( "@damaged", '', "$domain, $form: the first sender's, with line ends that all read alike" );
    }
}
is( scalar( () = glob "$root/dovecot/mail/*/new/*" ) + scalar( () = glob "$root/dovecot/mail/*/cur/*" ),
    @domains * @forms * @names, 'and nothing else comes out' );

# With mend_newlines = no none comes in, and none is taken for the end either.
$gateway->stop;
$gateway->{settings}{smtp}{mend_newlines} = 'no';
$gateway->write_conf;
$gateway->start;
my @wrong;
for my $name (@names) {
    my @lines = send_payload( 'data', $name, address_of( 'strict', $name, 'dovecot.example' ) );
    push @wrong, "$name: " . join ' | ', @lines if ( grep {/ Accepted as /} @lines ) > 1 || grep {/^354/} @lines;
}
is( "@wrong", '', 'refused or taken as one, where it is not to be mended' );
is( scalar( grep { /evil/ } map { slurp($_) =~ /^(Return-Path: .*)$/m } glob "$root/dovecot/mail/strict-*/new/*" ), 0, 'nothing of the second sender' );

is( $gateway->stop, 0, 'the gateway stops as asked' );
$postfix{server}->stop if %postfix;
$dovecot->stop;
done_testing();
