#!/usr/bin/perl
# A backup of a gateway whose settings name what lies elsewhere (certificate and key, rules, an answer, a folder of backups,
# by a drop-in, too): below a folder to be looked at, onto another machine where it starts and adds up, and what is refused.
use strict;
use warnings;

use Cwd qw(getcwd);
use File::Path qw(make_path);
use File::Temp qw(tempdir);
use Test::More;
use lib 't/lib';
use Poterne::Certificates;
use Poterne::Faulty;
use Poterne::Files qw(write_file);
use Poterne::Gateway;
use Poterne::Mail qw(eicar letter);
use Poterne::Process qw(command_answer command_output free_port wait_until);

plan skip_all => Poterne::Certificates::missing() if Poterne::Certificates::missing();

my $to  = 'jean@box.example';
my $top = tempdir( 'poterne-elsewhere-XXXXXX', TMPDIR => 1, CLEANUP => 1 );
chmod 0755, $top;
my ( $root, $outside, $shelf, $away ) = ( "$top/machine", "$top/outside", "$top/mnt/shelf", free_port() );
make_path( $outside, "$outside/tls", "$outside/rules/more", "$outside/words", "$top/mnt", "$root/conf.d" );

my $authority = Poterne::Certificates->new("$top/authority");
my $given     = $authority->give( 'mx', names => ['mx.poterne.example'] );
rename $given->{certificate}, "$outside/tls/cert.pem" or die "$!\n";
rename $given->{key},         "$outside/tls/key.pem"  or die "$!\n";
write_file( "$outside/rules/more/20_own.cf", "header OWN_RULE Subject =~ /elsewhere/\nscore OWN_RULE 0.5\ndescribe OWN_RULE of a test\n" );
write_file( "$outside/words/answer.txt",     "Thank you.\n" );
write_file( "$root/conf.d/answer.conf",      qq(reports { answer = "$outside/words/answer.txt" }\n) );
chmod 0644, "$outside/tls/cert.pem";
chmod 0640, "$outside/tls/key.pem";
chmod 0710, "$outside/tls";
if ( $> == 0 ) {
    chown( ( getpwnam 'daemon' )[2], scalar( getgrnam 'adm' ), "$outside/tls/key.pem", "$outside/tls" ) == 2 or die "chown: $!\n";
}

my $gateway = Poterne::Gateway->new(
    root     => $root,
    settings => {
        ''     => { managers => "{ $to }" },
        backup => { folder   => qq("$shelf"), at => '""' },
        queue  => { free_space_min => '0', retry_first => '1s', retry_max => '2s' },
        smtp   => { tls_certificate => qq("$outside/tls/cert.pem"), tls_key => qq("$outside/tls/key.pem") },
        spam   => { rules => '{ "' . getcwd() . qq(/rules/stock", "$outside/rules/more" }) },
    },
    domains => {
        'box.example'  => { next_hop => Poterne::Gateway::maildir_hop($root), recipients => [$to] },
        'away.example' => { next_hop => "smtp://127.0.0.1:$away",             recipients => ['anne@away.example'] },
    }
);
$gateway->start;

# The id of a message that is taken.
sub post {
    my ( $whom, $text ) = @_;
    my $said = $gateway->send_one( from => 'claire@remote.example', to => [$whom], data => \$text );
    my ($id) = $said->{text} =~ /\b([0-9A-Z]{26})\b/ or die "not taken: $said->{code} $said->{text}\n";
    return $id;
}

# (exit status, what it says) of a restore.
sub restore {
    my (@words) = @_;
    return command_output( "$gateway->{build}/poterne", 'restore', '--from', $shelf, @words );
}

# All that is in a folder, with its rights, owners, sizes and times.
sub all_of {
    my (@folders) = @_;
    my ( $failed, $text ) = command_output( 'find', @folders, '-printf', '%p %y %m %U:%G %s %T@ %l\n' );
    die "find: $text" if $failed;
    return join '', sort split /^/, $text;
}

sub rights {
    my ($path) = @_;
    my @st = lstat $path or return 'nothing';
    return sprintf '%04o %s:%s', $st[2] & 07777, ( getpwuid $st[4] )[0] // $st[4], ( getgrgid $st[5] )[0] // $st[5];
}

sub text_of {
    my ($path) = @_;
    open my $file, '<:raw', $path or return "$path: $!";
    local $/;
    return <$file>;
}

# --- a gateway that has something to lose ---

my @delivered = map { post( $to, letter( $to, "letter $_ from elsewhere", "hello\n" ) ) } 1 .. 3;
my $held      = post( $to, eicar($to) );
my $queued    = post( 'anne@away.example', letter( 'anne@away.example', 'waits', "hello\n" ) );
ok( wait_until( 60, sub { $gateway->maildir_messages($to) == 3 && $gateway->spooled('quarantine') && $gateway->spooled('queue') == 1 } ),
    'three are delivered, one is held, one waits' );
ok( wait_until( 60, sub { ( $gateway->poterne( 'trace', $queued ) )[1] =~ /deferred/ } ), '… which the journal knows' );
like( ( $gateway->maildir_messages($to) )[0], qr/OWN_RULE/, 'a rule from elsewhere is at work' );
my ( $status, $said ) = $gateway->poterne('backup');
is( $status, 0, 'a backup' ) or diag($said);
my ($generation) = $said =~ /(\d{8}T\d{6}Z)/;
my $elsewhere = grep { /^file .* settings\// && !/ settings\Q$root\E\// } split /^/, text_of("$shelf/$generation/manifest");
cmp_ok( $elsewhere, '>=', 4, "$elsewhere files of it are elsewhere" );

# --- below a folder, to be looked at: also beside a gateway that runs ---

( $status, $said ) = restore( '--to', "$top/look" );
is( $status, 0, 'below a folder, while the gateway runs' ) or diag($said);
like( $said, qr/^$elsewhere files that the settings name elsewhere are not restored: --elsewhere$/m, '… without what is elsewhere, as is said' );
like( $said, qr/1 messages that were queued then are not restored/, '… nor the queue' );
ok( -e "$top/look$root/$_", "… $_ is there" ) for 'poterne.conf', 'conf.d/answer.conf', 'recipients-box.example', 'state/signature.key', 'state/journal/journal.sqlite', "state/quarantine/$held";
ok( !-e "$top/look$_", "… $_ is not" ) for $outside, "$root/state/queue/$queued", $shelf, "$root/run";
for my $here ( '/', '//', '/./', "$top/.." . ( '/..' x 20 ) ) {
    ( $status, $said ) = restore( '--to', $here, '--force' );
    is( $status, 2, "below / is this machine ($here)" );
    like( $said, qr/the gateway runs: stop poterned first/, '… and a gateway runs on it' );
}
( $status, $said ) = restore( '--to', '', '--force' );
is( $status, 2, 'below nothing' );
like( $said, qr/--to needs FOLDER behind it/, '… is no place' );
is( $gateway->stop, 0, 'the gateway ends well' );

my $before = all_of( $root, $outside, $shelf );
( $status, $said ) = restore( '--to', "$top/whole", '--elsewhere', '--only', 'settings,journal,quarantine,queue,ledger,reports,gate' );
is( $status, 0, 'with all of it' ) or diag($said);
unlike( $said, qr/not restored/, '… nothing is left out' );
is( text_of("$top/whole$_"), text_of($_), "… $_ is what it was" )
    for "$root/poterne.conf", "$root/conf.d/answer.conf", "$outside/tls/cert.pem", "$outside/tls/key.pem", "$outside/rules/more/20_own.cf", "$outside/words/answer.txt",
    "$root/state/signature.key", "$root/state/queue/$queued", "$root/state/quarantine/$held";
is( rights("$top/whole$_"), rights($_), "… with its rights and owner: $_" )
    for "$root/poterne.conf", "$root/conf.d", $outside, "$outside/tls", "$outside/tls/key.pem", "$outside/tls/cert.pem", "$outside/rules/more", "$root/state/signature.key";
is( all_of( $root, $outside, $shelf ), $before, '… and nothing outside of the folder is touched' );
( undef, my $trace ) = command_output( 'sqlite3', "$top/whole$root/state/journal/journal.sqlite", 'SELECT count(*) FROM message' );
is( $trace + 0, 5, '… the journal can be read there' );

my ($line) = map { JSON::PP->new->decode($_) } grep {/^\{/} split /\n/,
    ( command_answer( "$gateway->{build}/poterne", 'restore', '--json', '--from', $shelf, '--to', "$top/json", $generation ) )[1];
is_deeply( [ @$line{qw(generation left_out queue_left_out)} ], [ $generation, $elsewhere, 1 ], 'for programs, too' );

# a folder by a relative name
( $status, $said ) = command_output( 'sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', $top, "$gateway->{build}/poterne", 'restore', '--from', $shelf, '--to', 'relative/there', '--only', 'settings' );
is( $status, 0, 'a folder that is named from where one is' ) or diag($said);
is( text_of("$top/relative/there$root/poterne.conf"), text_of("$root/poterne.conf"), '… is found there' );

# --- parts ---

( $status, $said ) = restore( '--config', $gateway->{conf}, '--to', "$top/parts", '--only', 'quarantine,queue' );
is( $status, 0, 'two parts' ) or diag($said);
is_deeply( [ sort split /\n/, ( command_output( 'find', "$top/parts", '-type', 'f' ) )[1] ], [ map {"$top/parts$root/state/$_"} "quarantine/$held", "queue/$queued" ], '… and nothing else' );
( $status, $said ) = restore( '--to', "$top/none", '--only', 'quarantine,mail' );
is( $status, 2, 'a part that there is none of' );
like( $said, qr/there is no part mail; there are settings, ledger, /, '… says which there are' );
( $status, $said ) = restore( '--to', "$top/none", '--only', '' );
is( $status, 2, 'no part' );
ok( !-e "$top/none", '… and no folder is made' );

# --- what is in the way ---

$before = all_of("$top/whole");
( $status, $said ) = restore( '--to', "$top/whole", '--elsewhere' );
is( $status, 2, 'folders that are not empty' );
like( $said, qr{^in the way: \Q$top/whole$root\E/state/$_$}m, "… $_ is named" ) for qw(journal quarantine);
unlike( $said, qr{in the way: .*poterne\.conf}, '… a file that is the same is not' );
is( all_of("$top/whole"), $before, '… and nothing is done' );

write_file( "$top/relative/there$root/poterne.conf", "somebody's\n" );
( $status, $said ) = restore( '--to', "$top/relative/there" );
is( $status, 2, 'a file that is another one' );
like( $said, qr{^in the way: \Q$top/relative/there$root/poterne.conf\E$}m, '… is named' );
like( $said, qr/^poterne restore: 1 files or folders are there already and are not overwritten; --force moves them aside/m, '… with what to do' );
ok( !-e "$top/relative/there$root/state/journal", '… and nothing is done' );
( $status, $said ) = restore( '--to', "$top/relative/there", '--force' );
is( $status, 0, 'moved aside' ) or diag($said);
my ($aside) = $said =~ /what was there is at NAME(\.before-\S+)/;
is( text_of("$top/relative/there$root/poterne.conf$aside"), "somebody's\n", '… it is kept, where it is said to be' );
is( text_of("$top/relative/there$root/poterne.conf"), text_of("$root/poterne.conf"), '… and in its place is what was' );

# a link to somebody else's file is not written through
make_path("$top/linked$outside/tls");
write_file( "$top/victim", "not ours\n" );
symlink "$top/victim", "$top/linked$outside/tls/key.pem" or die "$!\n";
is( ( restore( '--to', "$top/linked", '--elsewhere' ) )[0], 2, 'a link is in the way' );
is( ( restore( '--to', "$top/linked", '--elsewhere', '--force' ) )[0], 0, '… and moved aside' );
is( text_of("$top/victim"), "not ours\n", '… not written through' );
is( text_of("$top/linked$outside/tls/key.pem"), text_of("$outside/tls/key.pem"), '… the key is a file of its own' );

write_file( "$top/file", '' );
( $status, $said ) = restore( '--to', "$top/file" );
is( $status, 2, 'a file in place of the folder' );
like( $said, qr{\Q$top/file\E}, '… is named' );
is( -s "$top/file", 0, '… and as it was' );

# --- cut short ---

# A generation of another name, as a copy that stopped, of which `harm` does something.
sub cut_short {
    my ( $name, $harm ) = @_;
    my $folder = "$top/cut-$name";
    mkdir $folder;
    system( 'cp', '-a', "$shelf/$generation", "$folder/" ) == 0 or die "cp failed\n";
    $harm->("$folder/$generation");
    my @answer = command_output( "$gateway->{build}/poterne", 'restore', '--from', $folder, '--to', "$top/from-$name", '--elsewhere' );
    is( $answer[0], 2, "$name: refused" );
    ok( !-e "$top/from-$name", '… before anything is made' );
    return $answer[1];
}
like( cut_short( manifest_half => sub { truncate "$_[0]/manifest", ( -s "$_[0]/manifest" ) / 2 or die "$!\n" } ), qr/manifest of \Q$generation\E: /, '… as the manifest says' );
like( cut_short( manifest_none => sub { unlink "$_[0]/manifest" or die "$!\n" } ), qr/there is no manifest/, '… as it has none' );
like( cut_short( last_line => sub { my $text = text_of("$_[0]/manifest"); $text =~ s/^end .*\n\z//m or die; write_file( "$_[0]/manifest", $text ) } ), qr/manifest of \Q$generation\E: /, '… since its end is missing' );
my @damage = (
    piece_none => sub { unlink "$_[0]/files/settings$outside/tls/key.pem" or die "$!\n" },
    piece_half => sub { truncate "$_[0]/files/state/journal/journal.sqlite", 4096 or die "$!\n" },
    piece_long => sub { open my $file, '>>', "$_[0]/files/state/signature.key" or die "$!\n"; print {$file} 'x'; close $file },
    piece_link => sub { my $path = "$_[0]/files/settings$outside/tls/key.pem"; unlink $path; symlink "$outside/tls/key.pem", $path or die "$!\n" },
);
while ( my ( $name, $harm ) = splice @damage, 0, 2 ) {
    like( cut_short( $name, $harm ), qr/1 of \d+ pieces are damaged, nothing is restored/, '… since a piece is damaged' );
}
( $status, $said ) = command_output( "$gateway->{build}/poterne", 'restore', '--from', "$top/cut-piece_half", '--to', "$top/from-rest", '--only', 'settings,quarantine' );
is( $status, 0, 'a part that is whole comes back' ) or diag($said);
ok( -e "$top/from-rest$root/state/quarantine/$held", '… it is there' );

# --- onto another machine ---

rename $_, "$_.lost" or die "$!\n" for $root, $outside, "$top/mnt";
$shelf = "$top/mnt.lost/shelf";    # as another machine has it
Poterne::Gateway::maildir_hop($root);
( $status, $said ) = restore( '--config', "$root/poterne.conf" );
is( $status, 0, 'onto another machine' ) or diag($said);
like( $said, qr/^$elsewhere files that the settings name elsewhere are not restored: --elsewhere$/m, '… what is missing is said' );
( $status, $said ) = restore( '--config', "$root/poterne.conf", '--elsewhere', '--only', 'settings' );
is( $status, 0, 'and now that' ) or diag($said);
is( rights($_), rights( $_ =~ s{\Q$outside\E}{$outside.lost}r ), "… with its rights and owner: $_" ) for "$outside/tls", "$outside/tls/key.pem";
$gateway->start;
pass('the gateway starts');
my $tls = `timeout 60 openssl s_client -connect 127.0.0.1:$gateway->{port} -starttls smtp -CAfile $top/authority/ca.pem -verify_return_error </dev/null 2>&1`;
like( $tls, qr/Verify return code: 0 \(ok\)/, '… with its certificate' ) or diag($tls);

# (status, findings)
sub audit {
    my (@words) = @_;
    my ($code) = $gateway->poterne( 'audit', '--quiet', @words );
    return ( $code, join ' ', map {"$_->{finding} $_->{id}"} grep { $_->{finding} } $gateway->poterne_json( 'audit', @words ) );
}
is_deeply( [ audit() ], [ 0, '' ], 'audit: what was queued then is not there, and not called lost' );
is_deeply( [ audit('--all') ], [ 0, "lost $queued" ], '… it alone, by its name' );
like( ( $gateway->poterne( 'audit', '--all' ) )[1], qr/\Q$generation\E came back without its file/, '… with why' );
is( $gateway->stop, 0, 'the gateway ends well' );
( $status, $said ) = restore( '--config', "$root/poterne.conf", '--only', 'queue' );
is( $status, 0, 'the queue comes back' ) or diag($said);
$gateway->start;
is_deeply( [ audit('--all') ], [ 0, '' ], 'audit: everything adds up, and would be missed again' );
my $hop = Poterne::Faulty->start( root => "$top/hop", port => $away );
ok( wait_until( 90, sub { $hop->taken('anne@away.example') } ), 'what waited is delivered from there' );
ok( $gateway->wait_for_empty_queue(60), '… and settled' );
( $status, $said ) = $gateway->poterne( 'quarantine', 'release', '--no-scan', '--force', $held );
is( $status, 0, 'what is held can be released' ) or diag($said);
ok( wait_until( 60, sub { grep {/eicar\.com/} $gateway->maildir_messages($to) } ), '… and is delivered' );
post( $to, letter( $to, 'new from elsewhere', "hello\n" ) );
ok( wait_until( 60, sub { grep {/^Subject: new from elsewhere.*OWN_RULE|OWN_RULE.*^Subject: new from elsewhere/ms} $gateway->maildir_messages($to) } ), 'new mail is judged by the same rules' );
ok( $gateway->wait_for_empty_queue(60), '… and delivered' );
is_deeply( [ audit() ], [ 0, '' ], 'audit: everything still adds up' );
like( ( $gateway->poterne( 'trace', $_ ) )[1], qr/delivered/, 'mail of the time before is found' ) for $delivered[0], $queued;
is( ( $gateway->poterne('backup') )[0], 2, 'the disk of its backups is not there: none is made in its place' );
mkdir "$top/mnt";
( $status, $said ) = $gateway->poterne('backup');
is( $status, 0, 'and it makes a backup of its own' ) or diag($said);
ok( -d "$top/mnt/shelf", '… where its settings say' );
is( $gateway->stop, 0, 'all ends well' );
$hop->stop;
done_testing();
